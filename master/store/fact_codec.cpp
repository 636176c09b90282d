#include "master/store/fact_codec.hpp"

#include <type_traits>
#include <variant>

#include "common/core/limits.hpp"
#include "common/proto/known.hpp"
#include "common/proto/wire.hpp"

namespace fanfold::master {
namespace {

constexpr std::uint16_t kVersion = 6;

class Saver {
 public:
  template <class... Fields>
  void operator()(const Fields&... fields) {
    (put(fields), ...);
  }
  std::string take() { return writer_.take(); }

 private:
  template <class Number>
  requires(std::is_integral_v<Number> || std::is_enum_v<Number>) void put(const Number& number) {
    writer_.number(number);
  }
  void put(bool value) { writer_.boolean(value); }
  void put(const std::string& text) { writer_.text(text); }
  template <class Tag>
  void put(const Id<Tag>& id) {
    writer_.number(id.value);
  }
  void put(const TaskId& task) { (*this)(task.job, task.stage, task.index); }
  void put(const abi::BlockSummary& flow) { (*this)(flow.records, flow.sum, flow.exclusive_or); }
  void put(const proto::CompletionPolicy& policy) {
    (*this)(policy.rule, policy.count, policy.per_million);
  }
  void put(const proto::BadRecordPolicy& policy) {
    (*this)(policy.what, policy.records_max, policy.per_million);
  }
  void put(const proto::Retrier& one) {
    (*this)(one.errors, one.interval_ms, one.attempts_max, one.backoff_per_mille, one.delay_ms_max,
            one.jitter);
  }
  void put(const proto::ReplicaPolicy& one) {
    (*this)(one.replicas, one.accept, one.hedge_per_mille, one.hedge_ms);
  }
  void put(const proto::JobControl& one) {
    (*this)(one.max_concurrency, one.priority, one.weight, one.paused, one.failures_max,
            one.failures_per_million);
  }
  void put(const HostSplits& one) { (*this)(one.host, one.count); }
  void put(const PreferredSplits& one) { (*this)(one.hosts, one.count); }
  void put(const proto::PartitionBytes& one) { (*this)(one.partition, one.bytes); }
  void put(const proto::HeavyPartition& one) {
    (*this)(one.partition, one.bytes, one.hot, one.shares);
  }
  template <class One>
  void put(const std::vector<One>& list) {
    writer_.count(list.size());
    for (const One& one : list) put(one);
  }

  proto::WireWriter writer_;
};

class Loader {
 public:
  explicit Loader(std::string_view bytes) : reader_(bytes) {}
  template <class... Fields>
  void operator()(Fields&... fields) {
    (get(fields), ...);
  }
  proto::WireReader& reader() { return reader_; }

 private:
  template <class Number>
  requires std::is_integral_v<Number>
  void get(Number& number) { number = reader_.number<Number>(); }
  template <class Enumeration>
  requires std::is_enum_v<Enumeration>
  void get(Enumeration& value) {
    const auto number = reader_.number<std::underlying_type_t<Enumeration>>();
    if (!reader_.ok()) return;
    if (!proto::is_known(static_cast<Enumeration>(number))) {
      return reader_.fail("unknown value " + std::to_string(number));
    }
    value = static_cast<Enumeration>(number);
  }
  void get(bool& value) { value = reader_.boolean(); }
  void get(std::string& text) { text = reader_.text(); }
  template <class Tag>
  void get(Id<Tag>& id) {
    id.value = reader_.number<std::uint64_t>();
  }
  void get(TaskId& task) { (*this)(task.job, task.stage, task.index); }
  void get(abi::BlockSummary& flow) { (*this)(flow.records, flow.sum, flow.exclusive_or); }
  void get(proto::CompletionPolicy& policy) {
    (*this)(policy.rule, policy.count, policy.per_million);
  }
  void get(proto::BadRecordPolicy& policy) {
    (*this)(policy.what, policy.records_max, policy.per_million);
  }
  void get(proto::Retrier& one) {
    (*this)(one.errors, one.interval_ms, one.attempts_max, one.backoff_per_mille, one.delay_ms_max,
            one.jitter);
  }
  void get(proto::ReplicaPolicy& one) {
    (*this)(one.replicas, one.accept, one.hedge_per_mille, one.hedge_ms);
    if (one.replicas == 0 || one.replicas > proto::kReplicasMax) {
      reader_.fail("a number of replicas that there is not");
    }
    if (one.hedge_per_mille > proto::kHedgePerMilleMost || one.hedge_ms > proto::kHedgeMsMost) {
      reader_.fail("a hedge that there is not");
    }
  }
  void get(proto::JobControl& one) {
    (*this)(one.max_concurrency, one.priority, one.weight, one.paused, one.failures_max,
            one.failures_per_million);
    // The scheduler divides by one and subtracts from the other.
    if (one.failures_per_million > proto::kWhole) reader_.fail("a share of more than all");
    if (one.priority > proto::kPriorityMax || one.weight == 0 || one.weight > proto::kWeightMax) {
      reader_.fail("a priority or weight that there is not");
    }
  }
  void get(HostSplits& one) { (*this)(one.host, one.count); }
  void get(PreferredSplits& one) { (*this)(one.hosts, one.count); }
  void get(proto::PartitionBytes& one) { (*this)(one.partition, one.bytes); }
  void get(proto::HeavyPartition& one) { (*this)(one.partition, one.bytes, one.hot, one.shares); }
  // In memory an element is no more than some times what it takes here.
  static constexpr std::size_t bytes_min(const std::uint32_t&) { return 4; }
  static constexpr std::size_t bytes_min(const std::uint64_t&) { return 8; }
  static constexpr std::size_t bytes_min(const std::string&) { return 4; }
  static constexpr std::size_t bytes_min(const proto::Retrier&) { return 29; }
  static constexpr std::size_t bytes_min(const HostSplits&) { return 8; }
  static constexpr std::size_t bytes_min(const PreferredSplits&) { return 8; }
  static constexpr std::size_t bytes_min(const std::vector<std::string>&) { return 4; }
  static constexpr std::size_t bytes_min(const proto::PartitionBytes&) { return 12; }
  static constexpr std::size_t bytes_min(const proto::HeavyPartition&) { return 17; }
  template <class One>
  void get(std::vector<One>& list) {
    list.resize(reader_.count(bytes_min(One{})));
    for (One& one : list) get(one);
  }

  proto::WireReader reader_;
};

// The order of fields, for both directions.  `Value` is a fact or a const fact.
template <class Archive, class Value>
void fields(Archive& archive, Value& fact) {
  using Fact = std::remove_const_t<Value>;
  if constexpr (std::is_same_v<Fact, JobAccepted>) {
    archive(fact.job.job, fact.job.split_bytes, fact.job.partitions, fact.job.sample,
            fact.job.attempts_max, fact.job.speculate, fact.job.verify_per_million,
            fact.job.completion, fact.job.on_deadline, fact.job.deadline_unix_us, fact.job.retry,
            fact.job.bad_records, fact.job.control, fact.job.items, fact.job.gather_arity,
            fact.job.replicas, fact.job.open, fact.job.hosts, fact.job.sample_host,
            fact.job.preferred_hosts, fact.job.preferred, fact.job.locality_wait_ms,
            fact.job.shuffle_mode, fact.job.over_network, fact.job.hot_partition_bytes,
            fact.job.fold_hot);
  } else if constexpr (std::is_same_v<Fact, AttemptCommitted>) {
    archive(fact.task, fact.attempt, fact.worker, fact.output_empty, fact.bytes_out, fact.flow,
            fact.records, fact.bad_records, fact.failures, fact.preferred, fact.there, fact.heavy);
  } else if constexpr (std::is_same_v<Fact, MapOutputInvalidated>) {
    archive(fact.task, fact.attempt);
  } else if constexpr (std::is_same_v<Fact, TaskFailureCounted>) {
    archive(fact.task, fact.attempt, fact.kind, fact.again_unix_us, fact.delay_us);
  } else if constexpr (std::is_same_v<Fact, JobCommitStarted>) {
    archive(fact.job);
  } else if constexpr (std::is_same_v<Fact, JobEnded>) {
    archive(fact.job, fact.state, fact.reason, fact.failed_task, fact.first_failure,
            fact.completion);
  } else if constexpr (std::is_same_v<Fact, WorkerRegistered>) {
    archive(fact.worker, fact.slots, fact.knows_shares);
  } else if constexpr (std::is_same_v<Fact, WorkerGone>) {
    archive(fact.worker);
  } else if constexpr (std::is_same_v<Fact, NonDeterminismFound>) {
    archive(fact.task, fact.earlier, fact.attempt, fact.before, fact.after);
  } else if constexpr (std::is_same_v<Fact, TaskGivenUp>) {
    archive(fact.task, fact.first_failure, fact.kind);
  } else if constexpr (std::is_same_v<Fact, CoverageDecided>) {
    archive(fact.job, fact.reason, fact.covered);
  } else if constexpr (std::is_same_v<Fact, JobControlled>) {
    archive(fact.job, fact.control);
  } else if constexpr (std::is_same_v<Fact, DissentFound>) {
    archive(fact.task, fact.attempt, fact.worker, fact.worker_name, fact.digest, fact.decided,
            fact.accepted);
  } else if constexpr (std::is_same_v<Fact, InputFed>) {
    archive(fact.job, fact.split_bytes, fact.unix_us, fact.closed);
  } else {
    static_assert(std::is_same_v<Fact, PartitionsWeighed>);
    archive(fact.job, fact.heavy, fact.ends, fact.workers_older);
  }
}

// Permanent: 1 JobAccepted, 2 AttemptCommitted, 3 MapOutputInvalidated, 4 TaskFailureCounted,
// 5 JobCommitStarted, 6 JobEnded, 7 WorkerRegistered, 8 WorkerGone, 9 NonDeterminismFound,
// 10 TaskGivenUp, 11 CoverageDecided, 12 JobControlled, 13 DissentFound, 14 InputFed,
// 15 PartitionsWeighed.
// The variant keeps this order and grows at its end.
static_assert(std::is_same_v<std::variant_alternative_t<0, Fact>, JobAccepted>);
static_assert(std::is_same_v<std::variant_alternative_t<1, Fact>, AttemptCommitted>);
static_assert(std::is_same_v<std::variant_alternative_t<2, Fact>, MapOutputInvalidated>);
static_assert(std::is_same_v<std::variant_alternative_t<3, Fact>, TaskFailureCounted>);
static_assert(std::is_same_v<std::variant_alternative_t<4, Fact>, JobCommitStarted>);
static_assert(std::is_same_v<std::variant_alternative_t<5, Fact>, JobEnded>);
static_assert(std::is_same_v<std::variant_alternative_t<6, Fact>, WorkerRegistered>);
static_assert(std::is_same_v<std::variant_alternative_t<7, Fact>, WorkerGone>);
static_assert(std::is_same_v<std::variant_alternative_t<8, Fact>, NonDeterminismFound>);
static_assert(std::is_same_v<std::variant_alternative_t<9, Fact>, TaskGivenUp>);
static_assert(std::is_same_v<std::variant_alternative_t<10, Fact>, CoverageDecided>);
static_assert(std::is_same_v<std::variant_alternative_t<11, Fact>, JobControlled>);
static_assert(std::is_same_v<std::variant_alternative_t<12, Fact>, DissentFound>);
static_assert(std::is_same_v<std::variant_alternative_t<13, Fact>, InputFed>);
static_assert(std::is_same_v<std::variant_alternative_t<14, Fact>, PartitionsWeighed>);

template <std::size_t kIndex = 0>
void load_alternative(std::uint16_t tag, Loader& loader, Fact& fact) {
  if constexpr (kIndex == std::variant_size_v<Fact>) {
    loader.reader().fail("unknown tag");
  } else {
    if (tag != kIndex + 1) return load_alternative<kIndex + 1>(tag, loader, fact);
    fields(loader, fact.emplace<kIndex>());
  }
}

}  // namespace

EncodedFact encode_fact(const Fact& fact) {
  Saver saver;
  std::visit([&](const auto& alternative) { fields(saver, alternative); }, fact);
  return {static_cast<std::uint16_t>(fact.index() + 1), kVersion, saver.take()};
}

Result<Fact> decode_fact(std::uint16_t tag, std::uint16_t version, std::string_view payload) {
  const std::string what = "fact of tag " + std::to_string(tag);
  if (version != kVersion) {
    return Status(StatusCode::kCorruption, what + " has version " + std::to_string(version) +
                                               ", this build reads version " +
                                               std::to_string(kVersion));
  }
  Fact fact;
  Loader loader(payload);
  load_alternative(tag, loader, fact);
  if (const auto* accepted = std::get_if<JobAccepted>(&fact)) {
    for (const PreferredSplits& one : accepted->job.preferred) {
      if (one.hosts == PreferredSplits::kAnywhere) continue;
      if (one.hosts >= accepted->job.preferred_hosts.size()) loader.reader().fail("hosts of none");
    }
  }
  loader.reader().expect_end();
  if (!loader.reader().ok()) {
    return Status(StatusCode::kCorruption, "damaged " + what + ": " + loader.reader().error());
  }
  return fact;
}

JobId job_of(const Fact& fact) {
  return std::visit(
      [](const auto& alternative) {
        using Alternative = std::decay_t<decltype(alternative)>;
        if constexpr (std::is_same_v<Alternative, JobAccepted>) {
          return alternative.job.job;
        } else if constexpr (requires { alternative.task; }) {
          return alternative.task.job;
        } else if constexpr (requires { alternative.worker; }) {
          return JobId{};
        } else {
          return alternative.job;
        }
      },
      fact);
}

}  // namespace fanfold::master
