#include "cli/commands/master_rotation.hpp"

#include <string_view>
#include <vector>

#include "cli/commands/command.hpp"
#include "common/net/key_pair.hpp"
#include "common/security/key_directory.hpp"

namespace fanfold::cli {
namespace {

using security::KeyDirectory;

std::string hex(const security::PublicKey& key) { return security::to_hex(key.bytes); }

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// What came of a step, what is to be said where key files lie elsewhere, and what comes next.  The
/// files that were told go to standard output.
Status say(const KeyDirectory& keys, const KeyDirectory::Told& told, const std::string& state,
           const std::string& next) {
  print_error(state + "\n");
  if (!told.elsewhere.empty()) {
    print_error("not here are the key files of " + listed(told.elsewhere) + "\n");
  }
  const auto& other = keys.other_master();
  print_error(
      "where key files lie elsewhere, those or copies of these, say\n  fanfold keys learn FILE " +
      hex(keys.master()) + (other ? " " + hex(*other) : "") + "\n");
  print_error(next + "\n");
  for (const std::string& name : told.here) print(keys.key_path(name) + "\n");
  if (told.failures.empty()) return {};
  std::string message;
  for (const Status& failure : told.failures) message += failure.message() + "\n";
  return {told.failures.front().code(),
          message + "All others were told; mend that and repeat this."};
}

Status check(const Arguments& arguments) {
  if (arguments.has("overlap")) {
    return {StatusCode::kInvalidArgument,
            "--overlap is for the other keys: the master has both of its own until --finish."};
  }
  const int steps = (arguments.has("switch") ? 1 : 0) + (arguments.has("finish") ? 1 : 0) +
                    (arguments.has("anew") ? 1 : 0);
  if (steps <= 1) return {};
  return {
      StatusCode::kInvalidArgument,
      "--anew, --switch and --finish are steps of their own: between the last two the master is "
      "started again."};
}

}  // namespace

Status rotate_master(const std::string& directory, const Arguments& arguments, std::int64_t now) {
  FANFOLD_RETURN_IF_ERROR(check(arguments));
  FANFOLD_ASSIGN_OR_RETURN(KeyDirectory keys, KeyDirectory::open(directory));
  const std::string again = "'fanfold keys rotate master --dir " + directory;
  if (arguments.has("switch")) {
    FANFOLD_ASSIGN_OR_RETURN(const KeyDirectory::Told told, keys.switch_master(now));
    return say(keys, told,
               "a master that starts from now on has the key " + fingerprint(keys.master()) +
                   "; until it starts it is known as " + fingerprint(*keys.other_master()),
               "then start the master again, and when all have found it, " + again + " --finish'");
  }
  if (arguments.has("finish")) {
    FANFOLD_ASSIGN_OR_RETURN(const KeyDirectory::Told told, keys.finish_master_rotation(now));
    return say(keys, told, "the master is known as " + fingerprint(keys.master()) + " alone",
               "until those know it, too, they take whoever has the old key for the master; a "
               "master that was not started again since --switch is found by nobody");
  }
  FANFOLD_ASSIGN_OR_RETURN(
      const KeyDirectory::Told told,
      keys.begin_master_rotation(net::make_key_pair(), arguments.has("anew"), now));
  return say(keys, told,
             "the master has the key " + fingerprint(keys.master()) + " and will have " +
                 fingerprint(*keys.other_master()) +
                 (told.earlier ? ", which an earlier call has made; --anew makes another" : ""),
             "then, when all have both keys, " + again + " --switch'");
}

}  // namespace fanfold::cli
