#include "common/http/process_facts.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace fanfold {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

ProcessFacts process_facts() {
  ProcessFacts facts;
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) == 0) {
    facts.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  }
  std::ifstream sizes("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  if (sizes >> all >> resident) {
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    facts.virtual_bytes = all * page;
    facts.resident_bytes = resident * page;
  }
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (!error)
    facts.open_files = static_cast<std::uint64_t>(std::distance(begin(files), end(files)));
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.open_files_max = limit.rlim_cur;
  return facts;
}

}  // namespace fanfold
