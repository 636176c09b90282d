#include "cli/commands/gather_flags.hpp"

#include <array>
#include <string>

#include "cli/text/suggest.hpp"
#include "common/proto/gather.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using abi::Gather;

/// The fewest that have a majority when one of them is wrong.
constexpr std::uint32_t kReplicasDefault = 3;

Status refuse(const std::string& flag, const std::string& why) {
  return {StatusCode::kInvalidArgument, "--" + flag + ": " + why + "."};
}

Status gather_first(const Arguments& arguments, JobRequest* request) {
  if (arguments.value("completion").value_or("first") != "first") {
    return refuse("gather", "first takes the first map that succeeds, so --completion " +
                                *arguments.value("completion") + " does not go with it");
  }
  if (arguments.has("in-process")) {
    return refuse("gather",
                  "first chooses among maps that run at once, and --in-process runs one after the "
                  "other; leave one of them out");
  }
  request->completion = {proto::CompletionRule::kFirst};
  return {};
}

/// What read_replica_flags() would say of --replicas, which nobody has typed.
Status gather_quorum(const Arguments& arguments, JobRequest* request) {
  if (const std::string rule = arguments.value("accept").value_or("quorum"); rule != "quorum") {
    return refuse("gather", "quorum believes what most replicas of a task give, so --accept " +
                                rule + " does not go with it");
  }
  for (const char* flag : {"hedge-after", "verify-sample"}) {
    if (!arguments.has(flag)) continue;
    return refuse("gather", "quorum runs each task several times from the start, so --" +
                                std::string(flag) + " does not go with it");
  }
  if (arguments.has("in-process")) {
    return refuse("gather",
                  "quorum compares what different workers give, and --in-process has none; leave "
                  "one of them out");
  }
  request->replicas = {kReplicasDefault, proto::AcceptRule::kQuorum};
  return {};
}

Status read_strategy(const Arguments& arguments, const std::string& word, JobRequest* request) {
  if (word == "first") return gather_first(arguments, request);
  if (word == "quorum") return gather_quorum(arguments, request);
  constexpr std::array kAll = {Gather::kConcat, Gather::kMergeSort, Gather::kReduce, Gather::kNone};
  std::vector<std::string> names;
  for (const Gather how : kAll) {
    names.emplace_back(proto::name_of(how));
    if (word == names.back()) request->gather = how;
  }
  if (request->gather) return {};
  names.insert(names.end(), {"quorum", "first"});
  return refuse("gather",
                "'" + word + "' is not " + join_words(names, " or ") + did_you_mean(word, names));
}

}  // namespace

std::vector<Flag> gather_flags() {
  return {
      {"gather", '\0', "HOW",
       "Make one file of the parts: concat, merge-sort or reduce; none: leave them. quorum: as "
       "--replicas 3 --accept quorum. first: as --completion first. Default: as the job says.",
       false},
      {"gather-arity", '\0', "N",
       "Results that one task of the tree brings together, 2 to 256. Default: 16.", false},
  };
}

Status read_gather_flags(const Arguments& arguments, JobRequest* request) {
  if (const std::optional<std::string> word = arguments.value("gather")) {
    FANFOLD_RETURN_IF_ERROR(read_strategy(arguments, *word, request));
  }
  const std::optional<std::string> word = arguments.value("gather-arity");
  if (!word) return {};
  if (request->gather == Gather::kNone) {
    return refuse("gather-arity", "with --gather " + *arguments.value("gather") +
                                      " nothing is brought together in a tree");
  }
  const Result<std::uint64_t> arity = parse_count(*word, 0, UINT32_MAX);
  if (!arity.ok()) return refuse("gather-arity", arity.status().message());
  if (*arity < abi::kGatherArityLeast) {
    return refuse("gather-arity",
                  "a task that brings " + *word + " together makes nothing fewer; 2 is the least");
  }
  if (*arity > abi::kGatherArityMost) {
    return refuse("gather-arity", "each of " + *word + " results is an open file of the task; " +
                                      std::to_string(abi::kGatherArityMost) + " is the most");
  }
  request->gather_arity = static_cast<std::uint32_t>(*arity);
  return {};
}

}  // namespace fanfold::cli
