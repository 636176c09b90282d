// What `doctor` says about hosts that nobody has to own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "cli/doctor/examination.hpp"
#include "common/core/unique_fd.hpp"
#include "common/host/storage_kind.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::cli {
namespace {

using testing::HasSubstr;

HostFacts healthy() {
  HostFacts facts;
  facts.programs = {{"fanfold-master", ""}, {"fanfold-worker", ""}};
  facts.scratch = {.path = "/tmp",
                   .trouble = {},
                   .type = "ext4",
                   .shared = false,
                   .bytes = 1ull << 40,
                   .bytes_free = 1ull << 39,
                   .files_free = 1'000'000,
                   .exchanges = true,
                   .locks = true,
                   .sync_us = 900};
  facts.memory_bytes = facts.memory_available = 16ull << 30;
  facts.cores = facts.cores_online = 4;
  facts.open_files = 20'000;
  facts.ports.free = {7077};
  facts.cluster_directory = "/run/user/1000/fanfold";
  facts.unix_seconds = 1'800'000'000;
  facts.clock_known = facts.clock_synchronised = true;
  return facts;
}

TEST(Doctor, FindsNothingWrongWithAHealthyHost) {
  const std::vector<Finding> findings = examine(healthy());
  EXPECT_EQ(worst_of(findings), Verdict::kFine) << text_of(findings);
  for (const Finding& finding : findings) EXPECT_TRUE(finding.fix.empty()) << finding.subject;
}

struct Illness {
  const char* name;
  std::function<void(HostFacts&)> make;
  Verdict verdict;
  const char* subject;
  const char* fix;
};

class DoctorFinds : public testing::TestWithParam<Illness> {};

TEST_P(DoctorFinds, WhatIsWrongAndSaysWhatToDo) {
  HostFacts facts = healthy();
  GetParam().make(facts);
  const std::vector<Finding> findings = examine(facts);
  EXPECT_EQ(worst_of(findings), GetParam().verdict) << text_of(findings);
  std::size_t wrong = 0;
  for (const Finding& finding : findings) {
    if (finding.verdict == Verdict::kFine) continue;
    ++wrong;
    EXPECT_EQ(finding.subject, GetParam().subject);
    EXPECT_THAT(finding.fix, HasSubstr(GetParam().fix));
  }
  EXPECT_EQ(wrong, 1u) << text_of(findings);
}

const Illness kIllnesses[] = {
    {"Program", [](HostFacts& f) { f.programs[1].trouble = "libzmq.so.5: not found"; },
     Verdict::kBroken, "programs", "ldd"},
    {"NoJobs", [](HostFacts& f) { f.bundled_jobs = false; }, Verdict::kWarning, "bundled jobs",
     "whole tree"},
    {"Unwritable", [](HostFacts& f) { f.scratch.trouble = "Permission denied"; }, Verdict::kBroken,
     "scratch", "TMPDIR"},
    {"LittleSpace", [](HostFacts& f) { f.scratch.bytes_free = 1u << 30; }, Verdict::kWarning,
     "scratch space", "TMPDIR"},
    {"NoSpace", [](HostFacts& f) { f.scratch.bytes_free = 1u << 20; }, Verdict::kBroken,
     "scratch space", "make room"},
    {"NoInodes", [](HostFacts& f) { f.scratch.files_free = 3; }, Verdict::kWarning, "scratch space",
     "inodes"},
    {"Memory", [](HostFacts& f) { f.scratch.type = "tmpfs"; }, Verdict::kWarning, "scratch type",
     "disk"},
    {"Network", [](HostFacts& f) { f.scratch.shared = true; }, Verdict::kWarning, "scratch type",
     "local disk"},
    {"NoExec", [](HostFacts& f) { f.scratch.no_exec = true; }, Verdict::kWarning, "scratch type",
     "Plugins"},
    {"NoExchange", [](HostFacts& f) { f.scratch.exchanges = false; }, Verdict::kWarning,
     "scratch type", "--on-exists replace"},
    {"NoLocks", [](HostFacts& f) { f.scratch.locks = false; }, Verdict::kBroken, "scratch type",
     "locks"},
    {"SlowDisk", [](HostFacts& f) { f.scratch.sync_us = 400'000; }, Verdict::kWarning,
     "scratch type", "--state"},
    {"LongScratch", [](HostFacts& f) { f.scratch.path = "/" + std::string(80, 'x'); },
     Verdict::kBroken, "socket names", "TMPDIR"},
    {"LongCluster", [](HostFacts& f) { f.cluster_directory = "/" + std::string(90, 'x'); },
     Verdict::kBroken, "socket names", "--dir"},
    {"FewFiles",
     [](HostFacts& f) {
       f.open_files = 1024;
       f.open_files_hard = 1'048'576;
     },
     Verdict::kWarning, "open files", "ulimit -n 4096'."},
    {"HardFiles",
     [](HostFacts& f) {
       f.open_files = 128;
       f.open_files_hard = 128;
     },
     Verdict::kBroken, "open files", "LimitNOFILE"},
    {"FewProcesses", [](HostFacts& f) { f.cgroup.processes = 64; }, Verdict::kWarning, "processes",
     "pids.max"},
    {"AddressSpace", [](HostFacts& f) { f.address_space = 1u << 30; }, Verdict::kWarning,
     "address space", "ulimit -v"},
    {"FileSize", [](HostFacts& f) { f.file_bytes = 1u << 30; }, Verdict::kWarning, "file size",
     "ulimit -f"},
    {"GroupMemory", [](HostFacts& f) { f.cgroup.memory_bytes = 2ull << 30; }, Verdict::kWarning,
     "memory", "--memory 358M"},
    {"BusyMemory", [](HostFacts& f) { f.memory_available = 1u << 30; }, Verdict::kWarning, "memory",
     "--memory"},
    {"Overcommit", [](HostFacts& f) { f.strict_overcommit = true; }, Verdict::kWarning, "memory",
     "default"},
    {"GroupCores", [](HostFacts& f) { f.cgroup.cpus_thousandths = 1500; }, Verdict::kWarning,
     "cores", "--slots 1 "},
    {"NoLoopback", [](HostFacts& f) { f.ports.loopback_trouble = "Network is unreachable"; },
     Verdict::kWarning, "ports", "loopback"},
    {"TakenPort",
     [](HostFacts& f) {
       f.ports.refused = {{7077, "Address already in use"}};
     },
     Verdict::kWarning, "ports", "--address"},
    {"FewPorts", [](HostFacts& f) { f.ports.for_connections = 100; }, Verdict::kWarning, "ports",
     "ip_local_port_range"},
    {"Clock", [](HostFacts& f) { f.unix_seconds = 3; }, Verdict::kWarning, "clock", "Set it"},
    {"Unsynchronised", [](HostFacts& f) { f.clock_synchronised = false; }, Verdict::kWarning,
     "clock", "chrony"},
    {"NoProc", [](HostFacts& f) { f.proc_mounted = false; }, Verdict::kBroken, "/proc", "Mount it"},
    {"Locale", [](HostFacts& f) { f.locale_works = false; }, Verdict::kWarning, "locale",
     "locale -a"},
};

INSTANTIATE_TEST_SUITE_P(Hosts, DoctorFinds, testing::ValuesIn(kIllnesses),
                         [](const auto& info) { return info.param.name; });

TEST(Doctor, FindsPortsThatAreTaken) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::uint16_t port = ntohs(address.sin_port);
  const PortFacts facts = look_at_ports({port});
  EXPECT_EQ(facts.loopback_trouble, "");
  ASSERT_EQ(facts.refused.size(), 1u);
  EXPECT_EQ(facts.refused[0].port, port);
  EXPECT_TRUE(facts.free.empty());
  EXPECT_THAT(facts.for_connections, testing::Optional(testing::Gt(0u)));
}

TEST(Doctor, TellsProgramsTheSame) {
  HostFacts facts = healthy();
  facts.scratch.shared = true;
  const auto json = nlohmann::json::parse(to_json(examine(facts)));
  EXPECT_EQ(json["verdict"], "warning");
  std::size_t fixes = 0;
  for (const auto& finding : json["findings"]) fixes += finding.contains("fix") ? 1 : 0;
  EXPECT_EQ(fixes, 1u);
}

TEST(StorageKind, IsWhatTheKernelSays) {
  const StorageKind none = storage_kind("/nowhere/at/all");
  EXPECT_EQ(none.name, "unknown");
  EXPECT_FALSE(none.shared);
  // One that is in no table, but of this host.
  const StorageKind proc = storage_kind("/proc");
  EXPECT_EQ(proc.name, "type 0x9fa0");
  EXPECT_FALSE(proc.shared);
  EXPECT_FALSE(storage_kind("/dev/shm").shared);
}

TEST(StorageKind, IsSharedOnlyWhereHostsShareIt) {
  constexpr std::uint64_t kFuse = 0x65735546;
  EXPECT_TRUE(storage_kind_of(0x6969, "").shared);
  EXPECT_TRUE(storage_kind_of(kFuse, "").shared);
  EXPECT_TRUE(storage_kind_of(kFuse, "fuse.glusterfs").shared);
  EXPECT_FALSE(storage_kind_of(0x01021997, "").shared);
  for (const char* type : {"virtiofs", "fuse.mergerfs", "fuse.gocryptfs", "fuse.grpcfuse"}) {
    const StorageKind kind = storage_kind_of(kFuse, type);
    EXPECT_FALSE(kind.shared) << type;
    EXPECT_EQ(kind.name, type);
  }
}

class Cgroups : public testing::Test {
 protected:
  CgroupFacts look() const { return look_at_cgroups(root_.path()); }
  io::TemporaryDirectory root_;
};

TEST_F(Cgroups, OfVersion2AreAsTightAsTheTightestAround) {
  root_.write("proc/self/cgroup", "0::/a/b\n");
  root_.write("sys/fs/cgroup/a/b/memory.max", "max\n");
  root_.write("sys/fs/cgroup/a/memory.max", "1000\n");
  root_.write("sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
  root_.write("sys/fs/cgroup/a/cpu.max", "max 100000\n");
  root_.write("sys/fs/cgroup/a/b/pids.max", "64\n");
  EXPECT_EQ(look().memory_bytes, 1000u);
  EXPECT_EQ(look().memory_bytes_free, std::nullopt);
  root_.write("sys/fs/cgroup/a/memory.current", "900\n");
  root_.write("sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file 300\n");
  EXPECT_EQ(look().memory_bytes_free, 400u);
  // Less is left in a group that may have more.
  root_.write("sys/fs/cgroup/memory.max", "2000\n");
  root_.write("sys/fs/cgroup/memory.current", "1990\n");
  EXPECT_EQ(look().memory_bytes, 1000u);
  EXPECT_EQ(look().memory_bytes_free, 10u);
  EXPECT_EQ(look().cpus_thousandths, 1500u);
  EXPECT_EQ(look().processes, 64u);
}

TEST_F(Cgroups, OfVersion1AreRead) {
  root_.write("proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/x\n2:pids:/x\n1:name=systemd:/x\n");
  root_.write("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "2000\n");
  root_.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  root_.write("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "50000\n");
  root_.write("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
  root_.write("sys/fs/cgroup/pids/x/pids.max", "max\n");
  root_.write("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "2500\n");
  root_.write("sys/fs/cgroup/memory/x/memory.stat", "inactive_file 1\ntotal_inactive_file 700\n");
  EXPECT_EQ(look().memory_bytes, 2000u);
  EXPECT_EQ(look().memory_bytes_free, 200u);
  EXPECT_EQ(look().cpus_thousandths, 500u);
  EXPECT_EQ(look().processes, std::nullopt);
}

TEST_F(Cgroups, ThatSayNonsenseOrNothingLimitNothing) {
  root_.write("proc/self/cgroup", "0::/gone\nrubbish\n:\n::\n5:memory\n");
  root_.write("sys/fs/cgroup/memory.max", "many\n");
  root_.write("sys/fs/cgroup/cpu.max", "1 0\n");
  EXPECT_EQ(look().memory_bytes, std::nullopt);
  EXPECT_EQ(look().cpus_thousandths, std::nullopt);
  EXPECT_EQ(look_at_cgroups(root_.path("nowhere")).memory_bytes, std::nullopt);
}

}  // namespace
}  // namespace fanfold::cli
