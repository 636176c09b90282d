// fanfold-master: see `fanfold-master --help` and docs/operating/daemons.md.

#include <cstdio>
#include <string>

#include "master/service/options.hpp"
#include "master/service/run.hpp"

namespace {

int complain(const fanfold::Status& status, int exit_code) {
  std::fprintf(stderr, "fanfold-master: %s\n", status.message().c_str());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = fanfold::master::parse_options(argc, argv);
  if (!parsed.ok()) return complain(parsed.status(), 2);
  if (!parsed->answer.empty()) {
    std::fputs(parsed->answer.c_str(), stdout);
    return 0;
  }
  const fanfold::Status outcome = fanfold::master::run_master(parsed->options);
  if (outcome.ok()) return 0;
  return complain(outcome, outcome.code() == fanfold::StatusCode::kInvalidArgument ? 2 : 1);
}
