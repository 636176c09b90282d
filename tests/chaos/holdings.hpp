// What the processes of a cluster hold over time: sampled where nothing should run, judged at the
// end of a soak.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/chaos/cluster.hpp"
#include "tests/chaos/flatness.hpp"

namespace fanfold::chaos {

class HoldingsOverTime {
 public:
  /// Looks at the master, at the first `spared` workers (others are killed now and then) and at
  /// the scratch files of all.  Call it between jobs, with every fault cured.
  void sample(ChaosCluster& cluster, std::size_t spared);

  /// One line for each thing that was looked at, for people.
  std::string table() const;
  /// What grew; empty: nothing did.
  std::vector<std::string> grown() const;

 private:
  struct Series {
    Allowance allowance;
    double unit = 1;
    std::vector<Sample> samples;
  };

  void add(const std::string& name, const Allowance& allowance, double value, double unit = 1);
  void add_process(const std::string& name, int pid);
  void add_counts(const std::string& name, const Holdings& held);

  double begin_ = -1;
  double seconds_ = 0;
  std::uint64_t looks_ = 0;  // One after each job.
  std::map<std::string, Series> series_;
};

}  // namespace fanfold::chaos
