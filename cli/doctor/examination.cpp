#include "cli/doctor/examination.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/process/private_directory.hpp"
#include "common/core/executor_memory.hpp"
#include "common/core/limits.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::uint64_t kFilesEnough = 4096;
constexpr std::uint64_t kFilesLeast = 256;
constexpr std::uint64_t kProcessesEnough = 512;
constexpr std::uint64_t kSpaceEnough = 10ull << 30;
constexpr std::uint64_t kSpaceLeast = 256u << 20;
constexpr std::uint64_t kFilesFreeLeast = 10'000;
constexpr std::uint32_t kPortsEnough = 2000;
constexpr std::uint64_t kSlowSync = 100'000;
/// 2024: before this version was written.
constexpr std::int64_t kClockLeast = 1'704'067'200;

class Examiner {
 public:
  explicit Examiner(const HostFacts& facts) : facts_(facts) {}

  std::vector<Finding> examine() {
    programs();
    scratch();
    socket_names();
    open_files();
    other_limits();
    memory();
    cores();
    ports();
    clock();
    surroundings();
    return std::move(findings_);
  }

 private:
  void add(const char* subject, Verdict verdict, std::string found, std::string fix = {}) {
    findings_.push_back({subject, verdict, std::move(found), std::move(fix)});
  }

  void programs() {
    for (const ProgramFacts& program : facts_.programs) {
      if (program.trouble.empty()) {
        add("programs", Verdict::kFine, program.name + " starts, with all its libraries");
      } else {
        add("programs", Verdict::kBroken, program.trouble,
            "Install fanfold, fanfold-master and fanfold-worker of one version side by side, with "
            "the "
            "libraries that they need (ldd names those that are missing).");
      }
    }
    if (!facts_.bundled_jobs) {
      add("bundled jobs", Verdict::kWarning,
          "lib/fanfold/jobs does not lie beside the programs' bin",
          "Install the whole tree: word_count and the other bundled jobs are not found otherwise.");
    }
  }

  void scratch() {
    const ScratchFacts& scratch = facts_.scratch;
    if (!scratch.trouble.empty()) {
      add("scratch", Verdict::kBroken, scratch.path + ": " + scratch.trouble,
          "Set TMPDIR, or a worker's --scratch, to a directory on a local disk that you may write "
          "to.");
      return;
    }
    add("scratch", Verdict::kFine, scratch.path + " can be written to");
    scratch_space();
    scratch_type();
  }

  void scratch_space() {
    const ScratchFacts& scratch = facts_.scratch;
    const std::string found = format_bytes(scratch.bytes_free) + " of " +
                              format_bytes(scratch.bytes) + " free in " + scratch.path;
    if (scratch.bytes_free >= kSpaceEnough) {
      add("scratch space", Verdict::kFine, found);
    } else {
      add("scratch space", scratch.bytes_free < kSpaceLeast ? Verdict::kBroken : Verdict::kWarning,
          found,
          "Intermediate data may be as large as the input: make room, or set TMPDIR (a worker's "
          "--scratch) to a larger disk.");
    }
    if (scratch.files_free && *scratch.files_free < kFilesFreeLeast) {
      add("scratch space", Verdict::kWarning,
          "only " + plural(*scratch.files_free, "file") + " can be made in " + scratch.path,
          "The disk runs out of inodes before it runs out of bytes: remove files, or use another "
          "one.");
    }
  }

  void scratch_type() {
    const ScratchFacts& scratch = facts_.scratch;
    const std::string& type = scratch.type;
    const bool memory = type == "tmpfs" || type == "ramfs";
    if (memory) {
      add("scratch type", Verdict::kWarning, scratch.path + " is " + type + ": memory, not a disk",
          "Intermediate data takes memory from the tasks: set TMPDIR (a worker's --scratch) to a "
          "disk, "
          "unless jobs are small.");
    } else if (scratch.shared) {
      add("scratch type", Verdict::kWarning, scratch.path + " is " + type + ": on the network",
          "Every byte of intermediate data crosses the network twice: use a local disk.");
    } else {
      add("scratch type", Verdict::kFine, type);
    }
    if (scratch.no_exec) {
      add("scratch type", Verdict::kWarning, scratch.path + " is mounted noexec",
          "Plugins that lie there cannot be loaded: keep them elsewhere.");
    }
    if (!scratch.exchanges) {
      add("scratch type", Verdict::kWarning,
          "directories in " + scratch.path + " cannot be exchanged in one step",
          "An output on this file system cannot be replaced (--on-exists replace): write to ext4, "
          "xfs "
          "or btrfs.");
    }
    if (!scratch.locks) {
      add("scratch type", Verdict::kBroken, "files in " + scratch.path + " cannot be locked",
          "Workers find out by locks whose files are left behind: use a local disk.");
    }
    if (scratch.sync_us > kSlowSync) {
      add("scratch type", Verdict::kWarning,
          "it took " + format_milliseconds(scratch.sync_us / 1000) + " to make 4 KiB durable",
          "The master does so for every decision: keep its --state on a faster disk.");
    }
  }

  void socket_names() {
    const auto check = [this](const std::string& what, const std::string& directory,
                              const char* fix) {
      const std::size_t bytes = directory.size() + kSocketNameBytes;
      if (bytes <= limits::kSocketPathBytes) {
        add("socket names", Verdict::kFine, what + " " + directory + " is short enough");
      } else {
        add("socket names", Verdict::kBroken,
            what + " " + directory + " is too long by " +
                plural(bytes - limits::kSocketPathBytes, "byte"),
            fix);
      }
    };
    check("the scratch directory", facts_.scratch.path + "/fanfold-XXXXXX",
          "Names of sockets have at most 107 bytes: set TMPDIR to a shorter one, such as /tmp.");
    check("the cluster directory", facts_.cluster_directory,
          "Names of sockets have at most 107 bytes: give 'cluster up' a shorter --dir.");
  }

  void open_files() {
    const std::uint64_t files = facts_.open_files.value_or(kFilesEnough);
    const std::string found =
        facts_.open_files ? "at most " + format_count(files) + " at a time" : "unlimited";
    if (files >= kFilesEnough) return add("open files", Verdict::kFine, found);
    const std::uint64_t hard = facts_.open_files_hard.value_or(kFilesEnough);
    add("open files", files < kFilesLeast ? Verdict::kBroken : Verdict::kWarning, found,
        "Reducers open one file for each map: 'ulimit -n " +
            std::to_string(std::min(hard, kFilesEnough)) + "'" +
            (hard < kFilesEnough ? ", and have the hard limit raised (limits.conf, LimitNOFILE=)."
                                 : "."));
  }

  void other_limits() {
    const auto group = facts_.cgroup.processes;
    const std::uint64_t processes =
        std::min(facts_.processes.value_or(kProcessesEnough), group.value_or(kProcessesEnough));
    if (processes < kProcessesEnough) {
      add("processes", Verdict::kWarning, "at most " + plural(processes, "process"),
          "Each slot is a process, and tasks may have threads: raise 'ulimit -u' or pids.max to "
          "512 or more.");
    } else {
      add("processes", Verdict::kFine, "enough");
    }
    if (facts_.address_space) {
      add("address space", Verdict::kWarning, "limited to " + format_bytes(*facts_.address_space),
          "'ulimit -v unlimited': Fanfold limits the memory of executors itself.");
    }
    if (facts_.file_bytes) {
      add("file size", Verdict::kWarning, "limited to " + format_bytes(*facts_.file_bytes),
          "'ulimit -f unlimited': spilled data and outputs may be larger.");
    }
  }

  void memory() {
    const std::uint64_t memory = facts_.memory_bytes;
    const auto limit = facts_.cgroup.memory_bytes;
    const std::uint64_t wanted = default_executor_memory(memory, facts_.cores) * facts_.cores;
    const std::string found =
        format_bytes(memory) + ", " + format_bytes(facts_.memory_available) + " available";
    if (limit && *limit < memory && *limit < wanted + (256u << 20)) {
      const std::uint64_t each = *limit / 10 * 7 / facts_.cores;
      add("memory", Verdict::kWarning,
          "a control group allows " + format_bytes(*limit) + " of " + format_bytes(memory),
          "Executors would be given " + format_bytes(wanted) + " and be killed: pass --memory " +
              std::to_string(each >> 20) + "M, or fewer --slots.");
    } else if (facts_.memory_available < wanted) {
      add("memory", Verdict::kWarning, found,
          "Executors may use " + format_bytes(wanted) +
              " together: end other programs, or pass --memory.");
    } else {
      add("memory", Verdict::kFine, found);
    }
    if (facts_.strict_overcommit) {
      add("memory", Verdict::kWarning, "vm.overcommit_memory is 2",
          "Memory that is only reserved counts then: large jobs may be refused theirs. 0 is the "
          "default.");
    }
  }

  void cores() {
    const std::string found =
        plural(facts_.cores, "core") + " of " + format_count(facts_.cores_online);
    const auto quota = facts_.cgroup.cpus_thousandths;
    if (!quota || *quota + 500 >= facts_.cores * 1000ull)
      return add("cores", Verdict::kFine, found);
    const std::uint64_t slots = std::max<std::uint64_t>(1, *quota / 1000);
    add("cores", Verdict::kWarning,
        found + ", but a control group allows the time of " + std::to_string(*quota / 1000) + "." +
            std::to_string(*quota % 1000 / 100),
        "More slots than that wait for each other: --slots " + std::to_string(slots) + " in all.");
  }

  void ports() {
    const PortFacts& ports = facts_.ports;
    if (!ports.loopback_trouble.empty()) {
      add("ports", Verdict::kWarning,
          "nothing can listen on 127.0.0.1 and be reached: " + ports.loopback_trouble,
          "Pages and metrics (--http) need it; so do clusters over TCP. Look at the loopback "
          "interface and the firewall.");
    }
    for (const PortFacts::Refused& refused : ports.refused) {
      add("ports", Verdict::kWarning,
          "port " + std::to_string(refused.port) + " cannot be listened at: " + refused.why,
          "A master of 'cluster up --hosts' listens at 7077: if it is not one that does so now, "
          "give it another port (--address HOST:PORT), and pages theirs (--http PORT).");
    }
    if (ports.for_connections && *ports.for_connections < kPortsEnough) {
      add("ports", Verdict::kWarning,
          "the kernel has " + plural(*ports.for_connections, "port") + " for connections",
          "Each worker connects to the master and to all others: widen "
          "net.ipv4.ip_local_port_range.");
    }
    std::string free;
    for (const std::uint16_t port : ports.free) {
      free += (free.empty() ? "free: " : ", ") + std::to_string(port);
    }
    if (!free.empty()) add("ports", Verdict::kFine, free);
  }

  void clock() {
    if (facts_.unix_seconds < kClockLeast) {
      add("clock", Verdict::kWarning, "it says a time before 2024",
          "Set it: manifests, logs and event logs carry its time.");
    } else if (facts_.clock_known && !facts_.clock_synchronised) {
      add("clock", Verdict::kWarning, "nothing keeps it in time",
          "Run chrony or systemd-timesyncd: else times in the logs of several hosts do not "
          "compare. (In a "
          "container, the host may do it.)");
    } else {
      add("clock", Verdict::kFine, "plausible");
    }
  }

  void surroundings() {
    if (!facts_.proc_mounted) {
      add("/proc", Verdict::kBroken, "it is not mounted",
          "Mount it: workers look at their processes through it.");
    }
    if (!facts_.locale_works) {
      add("locale", Verdict::kWarning, "LANG or LC_ALL names a locale that is not installed",
          "Harmless to Fanfold, which sorts bytes; user code may care. 'locale -a' lists what "
          "there is.");
    } else {
      add("locale", Verdict::kFine, "installed");
    }
  }

  const HostFacts& facts_;
  std::vector<Finding> findings_;
};

}  // namespace

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFine:
      return "ok";
    case Verdict::kWarning:
      return "warning";
    case Verdict::kBroken:
      return "broken";
  }
  return "unknown";
}

std::vector<Finding> examine(const HostFacts& facts) { return Examiner(facts).examine(); }

Verdict worst_of(const std::vector<Finding>& findings) {
  Verdict worst = Verdict::kFine;
  for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
  return worst;
}

std::string text_of(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    std::string verdict = name_of(finding.verdict);
    if (finding.verdict == Verdict::kBroken) verdict = "BROKEN";
    verdict.resize(9, ' ');
    text += verdict + finding.subject + ": " + printable(finding.found, false) + "\n";
    if (!finding.fix.empty()) text += "         " + printable(finding.fix, false) + "\n";
  }
  return text;
}

std::string to_json(const std::vector<Finding>& findings) {
  using Json = nlohmann::ordered_json;
  Json json = {{"verdict", name_of(worst_of(findings))}, {"findings", Json::array()}};
  for (const Finding& finding : findings) {
    Json one = {{"subject", finding.subject},
                {"verdict", name_of(finding.verdict)},
                {"found", finding.found}};
    if (!finding.fix.empty()) one["fix"] = finding.fix;
    json["findings"].push_back(std::move(one));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace fanfold::cli
