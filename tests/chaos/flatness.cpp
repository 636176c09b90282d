#include "tests/chaos/flatness.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace fanfold::chaos {
namespace {

namespace fs = std::filesystem;

double mean(const std::vector<Sample>& samples, std::size_t begin, std::size_t end) {
  double sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += samples[i].value;
  return sum / static_cast<double>(end - begin);
}

double count_entries(const std::string& directory) {
  std::error_code error;
  const fs::directory_iterator entries(directory, error);
  return error ? 0 : static_cast<double>(std::distance(fs::begin(entries), fs::end(entries)));
}

}  // namespace

double slope_per_hour(const std::vector<Sample>& samples) {
  const std::size_t begin = samples.size() / 2;
  const auto count = static_cast<double>(samples.size() - begin);
  if (count < 3) return 0;
  double x = 0, y = 0, xx = 0, xy = 0;
  for (std::size_t i = begin; i < samples.size(); ++i) {
    const double hours = samples[i].seconds / 3600;
    x += hours;
    y += samples[i].value;
    xx += hours * hours;
    xy += hours * samples[i].value;
  }
  const double spread = count * xx - x * x;
  return spread > 0 ? (count * xy - x * y) / spread : 0;
}

bool is_flat(const std::vector<Sample>& samples, const Allowance& allowance) {
  const std::size_t quarter = samples.size() / 4;
  if (quarter == 0) return true;
  const double middle = mean(samples, quarter, 2 * quarter);
  const double last = mean(samples, samples.size() - quarter, samples.size());
  return last - middle <= middle * allowance.share + allowance.absolute;
}

Holdings holdings_of(int pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  Holdings holdings;
  double pages = 0;
  if (std::ifstream(process + "/statm") >> pages >> pages) {
    holdings.resident_bytes = pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
  }
  holdings.descriptors = count_entries(process + "/fd");
  holdings.threads = count_entries(process + "/task");
  return holdings;
}

std::size_t files_below(const std::string& directory) {
  std::size_t count = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(directory, error), end; at != end; at.increment(error)) {
    std::error_code gone;
    if (!at->is_directory(gone) && !gone) ++count;
  }
  return count;
}

}  // namespace fanfold::chaos
