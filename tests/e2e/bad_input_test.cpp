// What bad input gets: an error on one or two lines that names the thing, a non-zero exit, and
// nothing half-written.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct Case {
  const char* name;
  std::vector<std::string> arguments;  // "$W": the workspace, "$F": directory of faulty plugins.
  int exit_code;
  std::vector<std::string> fragments;
  std::function<void(const Workspace&)> prepare = {};
  std::vector<std::pair<std::string, std::string>> environment = {};
  bool as_nobody = false;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

std::string filled_in(std::string text, const Workspace& workspace) {
  const auto replace = [&](const std::string& what, const std::string& by) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what)) {
      text.replace(at, what.size(), by);
    }
  };
  replace("$W", workspace.root());
  replace("$F", FANFOLD_FAULTY);
  return text;
}

std::vector<Case> usage_cases() {
  return {
      {"UnknownCommand", {"rnu"}, 2, {"'rnu'", "Did you mean 'run'?"}},
      {"CommandForATerminal", {"\x1b[2Jrun"}, 2, {"'?[2Jrun'"}},
      {"UnknownFlag",
       {"run", "word_count", "in", "-o", "out", "--wrkers", "2"},
       2,
       {"'--wrkers'", "Did you mean '--workers'?"}},
      {"UnknownJob",
       {"run", "word_cuont", "in", "-o", "out"},
       2,
       {"'word_cuont'", "Did you mean 'word_count'?"}},
      {"UnknownParameter",
       {"run", "grep", "in", "-o", "out", "--param", "patern=x"},
       2,
       {"'patern'", "Did you mean 'pattern'?"}},
      {"MissingParameter", {"run", "grep", "in", "-o", "out"}, 2, {"'pattern'", "--param"}},
      {"WrongParameterType",
       {"run", "top_k", "in", "-o", "out", "--param", "k=many"},
       2,
       {"'k'", "'many'", "integer"}},
      {"WrongChoice",
       {"run", "grep", "in", "-o", "out", "--param", "pattern=x", "--param", "mode=cuont"},
       2,
       {"'mode'", "lines or count"}},
      {"MissingOutput", {"run", "word_count", "in"}, 2, {"-o DIR"}},
      {"NoInput", {"run", "word_count", "-o", "out"}, 2, {"JOB INPUT"}},
      {"ZeroWorkers",
       {"run", "word_count", "in", "-o", "out", "--workers", "0"},
       2,
       {"--workers", "'0'"}},
      {"ZeroSlots",
       {"run", "word_count", "in", "-o", "out", "--slots", "0"},
       2,
       {"--slots", "'0'"}},
      {"ZeroReducers",
       {"run", "word_count", "in", "-o", "out", "-r", "0"},
       2,
       {"--reducers", "'0'"}},
      {"NoSize",
       {"run", "word_count", "in", "-o", "out", "--memory", "lots"},
       2,
       {"--memory", "'lots'"}},
      {"UntaggedInput", {"run", "join", "in", "right=in", "-o", "out"}, 2, {"left=PATH"}},
      {"MissingTag", {"run", "join", "left=in", "-o", "out"}, 2, {"'right'"}},
      {"UnknownJobId", {"status", "7x"}, 2, {"'7x'"}},
      {"NoCluster", {"list"}, 2, {"fanfold cluster up"}},
      {"BadProjectName", {"new", "../x"}, 2, {"'../x'"}},
      {"ProjectExists", {"new", "in"}, 2, {"in exists already"}},
      {"CatOfNothing", {"cat", "nothing"}, 2, {"nothing"}},
      {"CatOfNoOutput", {"cat", "in"}, 2, {"in", "_SUCCESS"}},
  };
}

std::string gzipped_text(const Workspace& workspace) {
  workspace.write("text", make_text(3, 2000));
  CommandOptions gzip;
  gzip.program = "/bin/gzip";
  run(workspace, {"text"}, gzip);
  return workspace.read("text.gz");
}

std::vector<Case> file_cases() {
  return {
      {"MissingInput", {"run", "word_count", "in/none.txt", "-o", "out"}, 2, {"$W/in/none.txt"}},
      {"MissingGlob", {"run", "word_count", "in/*.csv", "-o", "out"}, 2, {"$W/in/*.csv"}},
      {"UnreadableDirectory",
       {"run", "word_count", "locked", "-o", "out"},
       2,
       {"$W/locked"},
       [](const Workspace& w) {
         w.write("locked/x", "x");
         std::filesystem::permissions(w.path("locked"), std::filesystem::perms::none);
       },
       {},
       true},
      {"OutputExists",
       {"run", "word_count", "in", "-o", "there"},
       2,
       {"$W/there", "--on-exists replace"},
       [](const Workspace& w) { w.write("there/file", "kept"); }},
      {"OutputNotWritable",
       {"run", "word_count", "in", "-o", "sealed/out"},
       2,
       {"$W/sealed"},
       [](const Workspace& w) {
         std::filesystem::create_directory(w.path("sealed"));
         std::filesystem::permissions(w.path("sealed"), std::filesystem::perms::owner_read |
                                                            std::filesystem::perms::owner_exec);
       },
       {},
       true},
      {"OutputInsideAFile", {"run", "word_count", "in", "-o", "in/a.txt/out"}, 2, {"in/a.txt"}},
      {"SideFileMissing",
       {"run", "word_count", "in", "-o", "out", "--file", "x=none"},
       2,
       {"'x'", "$W/none"}},
      {"LineTooLong",
       {"run", "word_count", "long.txt", "-o", "out", "--quiet"},
       2,
       {"$W/long.txt", "limit"},
       [](const Workspace& w) { w.write("long.txt", std::string((64u << 20) + 10, 'x')); }},
      {"TruncatedGzip",
       {"run", "word_count", "cut.gz", "-o", "out", "--quiet"},
       2,
       {"$W/cut.gz", "gzip"},
       [](const Workspace& w) {
         const std::string packed = gzipped_text(w);
         w.write("cut.gz", packed.substr(0, packed.size() / 2));
       }},
      {"DamagedGzip",
       {"run", "word_count", "bad.gz", "-o", "out", "--quiet"},
       2,
       {"$W/bad.gz: damaged gzip data near byte", "copy the file again"},
       [](const Workspace& w) {
         std::string packed = gzipped_text(w);
         packed[packed.size() / 2] ^= '\x41';
         w.write("bad.gz", packed);
       }},
      {"LinkLoop",
       {"run", "word_count", "loop", "-o", "out"},
       2,
       {"$W/loop"},
       [](const Workspace& w) {
         w.write("loop/a", "x");
         std::filesystem::create_directory_symlink("..", w.path("loop/up"));
         std::filesystem::create_directory_symlink(".", w.path("loop/self"));
       }},
  };
}

std::vector<Case> plugin_cases() {
  return {
      {"PluginMissing", {"run", "./none.so", "in", "-o", "out"}, 2, {"$W/none.so"}},
      {"PluginIsNoElf", {"run", "./in/a.txt", "in", "-o", "out"}, 2, {"$W/in/a.txt", "ELF"}},
      {"PluginOfAnotherMachine",
       {"run", "./arm.so", "in", "-o", "out"},
       2,
       {"$W/arm.so"},
       [](const Workspace& w) {
         // The machine is at offset 18: 183 is AArch64.
         std::filesystem::copy_file(bundled_plugin("word_count"), w.path("arm.so"));
         std::string bytes = w.read("arm.so");
         bytes[18] = static_cast<char>(183);
         w.write("arm.so", bytes);
       }},
      {"PluginIsNone",
       {"run", "$F/not_a_plugin.so", "in", "-o", "out"},
       2,
       {"not_a_plugin.so", "not a Fanfold plugin"}},
      {"PluginWithoutEntryPoint",
       {"run", "$F/no_entry_point.so", "in", "-o", "out"},
       2,
       {"no_entry_point.so"}},
      {"PluginOfAnotherBuild",
       {"run", "./other.so", "in", "-o", "out"},
       2,
       {"$W/other.so", "fingerprint"},
       [](const Workspace& w) {
         std::filesystem::copy_file(bundled_plugin("word_count"), w.path("other.so"));
         std::string bytes = w.read("other.so");
         // The note's descriptor follows its name; change the text, not its size.
         const std::string name("fanfold\0", 8);
         const std::size_t note = bytes.find(name);
         ASSERT_NE(note, std::string::npos);
         const std::size_t digit = bytes.find_first_of("0123456789", note + name.size());
         bytes[digit] = bytes[digit] == '9' ? '8' : '9';
         w.write("other.so", bytes);
       }},
      {"PluginThrowsAtStart",
       {"run", "$F/broken_throw.so", "in", "-o", "out"},
       2,
       {"broken_throw.so", "no licence file"}},
      {"PluginExitsAtStart",
       {"run", "$F/broken_exit.so", "in", "-o", "out"},
       2,
       {"broken_exit.so", "7"}},
      {"PluginCrashesAtStart",
       {"run", "$F/broken_segv.so", "in", "-o", "out"},
       2,
       {"broken_segv.so", "SIGSEGV"}},
      {"NoSuchJobInPlugin",
       {"run", "$F/faulty.so:faluty", "in", "-o", "out"},
       2,
       {"'faluty'", "faulty"}},
  };
}

std::vector<Case> address_cases() {
  const std::string long_name(120, 'x');
  return {
      {"MasterAway",
       {"run", "word_count", "in", "-o", "out", "--master", "ipc://$W/none.sock"},
       1,
       {"ipc://$W/none.sock", "5 s"}},
      {"TcpAddress",
       {"run", "word_count", "in", "-o", "out", "--master", "tcp://127.0.0.1:7000"},
       2,
       {"tcp://127.0.0.1:7000", "keys"}},
      {"NoAddress", {"list", "--master", "nonsense"}, 2, {"nonsense"}},
      {"SocketPathTooLong", {"list", "--master", "ipc:///" + long_name}, 2, {"107"}},
      {"ClusterPathTooLong", {"cluster", "up", "--dir", "$W/" + long_name}, 2, {"107"}},
      {"TemporaryPathTooLong",
       {"run", "word_count", "in", "-o", "out"},
       2,
       {"TMPDIR"},
       {},
       {{"TMPDIR", "/" + long_name}}},
      {"TemporaryMissing",
       {"run", "word_count", "in", "-o", "out"},
       2,
       {"$W/none", "TMPDIR"},
       {},
       {{"TMPDIR", "$W/none"}}},
      {"ClusterMissing", {"cluster", "down", "--dir", "$W/none"}, 2, {"$W/none"}},
      {"ClusterDirectoryInUse", {"cluster", "up", "--dir", "in"}, 2, {"$W/in"}},
      {"WorkersOfACluster",
       {"run", "word_count", "in", "-o", "out", "--workers", "2", "--master", "ipc://$W/none.sock"},
       2,
       {"--workers"}},
  };
}

class BadInput : public testing::TestWithParam<Case> {
 protected:
  void expect_refusal(const std::vector<std::string>& more) {
    const Case& one = GetParam();
    Workspace workspace;
    workspace.write("in/a.txt", "some words\n");
    if (one.prepare) one.prepare(workspace);
    std::vector<std::string> arguments;
    for (const std::string& word : one.arguments) arguments.push_back(filled_in(word, workspace));
    arguments.insert(arguments.end(), more.begin(), more.end());
    CommandOptions options;
    for (const auto& [name, value] : one.environment) {
      options.environment.emplace_back(name, filled_in(value, workspace));
    }
    if (one.as_nobody && ::geteuid() == 0) {
      workspace.give_to_nobody();
      options.as_nobody = true;
    }
    const std::vector<std::string> before = workspace.list("");

    const Outcome outcome = run(workspace, arguments, options);

    EXPECT_EQ(outcome.exit_code, one.exit_code) << outcome.both();
    for (const std::string& fragment : one.fragments) {
      EXPECT_THAT(outcome.err, HasSubstr(filled_in(fragment, workspace)));
    }
    EXPECT_THAT(outcome.err, testing::StartsWith("fanfold: "));
    EXPECT_EQ(outcome.err.find('\x1b'), std::string::npos) << "a terminal would obey it";
    EXPECT_LE(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 2) << outcome.err;
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_EQ(workspace.list(""), before) << "something was written";
    EXPECT_THAT(workspace.remains(), IsEmpty());
  }
};

TEST_P(BadInput, GetsAClearErrorAndLeavesNothing) { expect_refusal({}); }

// The planner and the tasks are the same when a debugger is attached.
class BadInputInProcess : public BadInput {};

TEST_P(BadInputInProcess, GetsAClearErrorAndLeavesNothing) { expect_refusal({"--in-process"}); }

std::string case_name(const testing::TestParamInfo<Case>& info) { return info.param.name; }

/// Another user cannot start what lies below a private directory.
std::vector<Case> possible(std::vector<Case> cases) {
  if (::geteuid() == 0 && !everybody_can_start(FANFOLD_BIN)) {
    std::erase_if(cases, [](const Case& one) { return one.as_nobody; });
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Usage, BadInput, testing::ValuesIn(usage_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Files, BadInput, testing::ValuesIn(possible(file_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Files, BadInputInProcess, testing::ValuesIn(possible(file_cases())),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Plugins, BadInput, testing::ValuesIn(plugin_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Addresses, BadInput, testing::ValuesIn(address_cases()), case_name);

}  // namespace
}  // namespace fanfold::e2e
