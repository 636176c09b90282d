#include "worker/plugin/plugin.hpp"

#include <elf.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>

#include "tests/plugin/plugin_fixture.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

class PluginTest : public PluginFixture {
 protected:
  static std::string error_of(const std::string& path) {
    const auto plugin = describe_plugin(path);
    return plugin.ok() ? "" : plugin.status().message();
  }
  /// A copy whose bytes at `offset` are others.
  std::string patched(const std::string& name, std::size_t offset, const std::string& bytes) {
    std::string contents = contents_of(plugin(name));
    contents.replace(offset, bytes.size(), bytes);
    return file_with(contents);
  }
};

TEST_F(PluginTest, ReadsTheFingerprintOfAPlugin) {
  const auto text = read_fingerprint(plugin("faulty"));
  ASSERT_TRUE(text.ok()) << text.status().message();
  EXPECT_EQ(*text, own_fingerprint());
}

TEST_F(PluginTest, DescribesTheJobsOfAPlugin) {
  const auto described = describe_plugin(plugin("faulty"));
  ASSERT_TRUE(described.ok()) << described.status().message();
  const auto job = find_job(*described, "", plugin("faulty"));
  ASSERT_TRUE(job.ok());
  EXPECT_EQ((*job)->name, "faulty");
  EXPECT_EQ((*job)->summary, "Goes wrong as its records say.");
  EXPECT_TRUE((*job)->has_reduce);
  EXPECT_FALSE((*job)->has_combiner);
  ASSERT_EQ((*job)->parameters.size(), 2u);
  EXPECT_EQ((*job)->parameters[0].name, "fail_setup");
  EXPECT_EQ((*job)->parameters[0].type, abi::ParameterType::kBoolean);
  EXPECT_EQ((*job)->make_task, nullptr);
}

TEST_F(PluginTest, NamesTheJobsWhenOneIsUnknown) {
  const auto described = describe_plugin(plugin("faulty"));
  ASSERT_TRUE(described.ok());
  const auto job = find_job(*described, "absent", "x.so");
  ASSERT_FALSE(job.ok());
  EXPECT_THAT(job.status().message(), AllOf(HasSubstr("'absent'"), HasSubstr("faulty")));
}

TEST_F(PluginTest, SaysThatAFileIsMissing) {
  EXPECT_THAT(error_of("/nowhere/x.so"),
              AllOf(HasSubstr("/nowhere/x.so"), HasSubstr("does not exist")));
}

TEST_F(PluginTest, RefusesADirectory) {
  EXPECT_THAT(error_of(directory_), HasSubstr("not a regular file"));
}

TEST_F(PluginTest, RefusesAFileThatIsNotElf) {
  EXPECT_THAT(
      error_of(file_with("#!/bin/sh\necho this is a script that is long enough to be read\n")),
      HasSubstr("not an ELF file"));
}

TEST_F(PluginTest, RefusesAnEmptyFile) {
  EXPECT_THAT(error_of(file_with("")), HasSubstr("not an ELF file"));
}

TEST_F(PluginTest, NamesBothArchitecturesWhenTheyDiffer) {
  const auto path = patched("faulty", offsetof(Elf64_Ehdr, e_machine), {'\x16', '\0'});
  EXPECT_THAT(error_of(path),
              AllOf(HasSubstr("s390"), HasSubstr("this host is"), HasSubstr("rebuild")));
}

TEST_F(PluginTest, RefusesA32BitFile) {
  const auto path = patched("faulty", EI_CLASS, {static_cast<char>(ELFCLASS32)});
  EXPECT_THAT(error_of(path), HasSubstr("32-bit"));
}

TEST_F(PluginTest, RefusesALibraryWithoutAFingerprint) {
  EXPECT_THAT(error_of(plugin("not_a_plugin")), HasSubstr("not a Fanfold plugin"));
}

TEST_F(PluginTest, RefusesAProgram) {
  EXPECT_THAT(error_of("/proc/self/exe"), HasSubstr("not a Fanfold plugin"));
}

TEST_F(PluginTest, NamesBothFingerprintsWhenTheyDiffer) {
  const std::string contents = contents_of(plugin("broken_segv"));
  const auto at = contents.find(own_fingerprint());
  ASSERT_NE(at, contents.npos);
  const auto path = patched("broken_segv", at + own_fingerprint().size() - 4, "XXXX");
  // Its static initialiser would crash: that it does not proves that no code of it ran.
  const auto plugin = load_plugin(path);
  ASSERT_FALSE(plugin.ok());
  EXPECT_THAT(plugin.status().message(),
              AllOf(HasSubstr(own_fingerprint()), HasSubstr("XXXX"), HasSubstr("Rebuild")));
}

TEST_F(PluginTest, NamesTheMissingEntryPoint) {
  EXPECT_THAT(error_of(plugin("no_entry_point")),
              AllOf(HasSubstr("no entry point"), HasSubstr("FANFOLD_JOB")));
}

TEST_F(PluginTest, ReportsAnExceptionOfAStaticInitialiser) {
  EXPECT_THAT(
      error_of(plugin("broken_throw")),
      AllOf(HasSubstr("static initialiser"), HasSubstr("std::runtime_error: no licence file")));
}

TEST_F(PluginTest, ReportsAnExitOfAStaticInitialiser) {
  EXPECT_THAT(error_of(plugin("broken_exit")),
              AllOf(HasSubstr("exit status 7"), HasSubstr("static initialiser")));
}

TEST_F(PluginTest, ReportsACrashOfAStaticInitialiser) {
  EXPECT_THAT(error_of(plugin("broken_segv")), HasSubstr("SIGSEGV"));
  EXPECT_THAT(error_of(plugin("broken_abort")), HasSubstr("SIGABRT"));
}

TEST_F(PluginTest, GivesUpOnAStaticInitialiserThatHangs) {
  const auto described = describe_plugin(plugin("broken_hang"), 1s);
  ASSERT_FALSE(described.ok());
  EXPECT_THAT(described.status().message(), HasSubstr("within 1 s; its static initialisers hang"));
}

TEST_F(PluginTest, LeavesNoChildBehind) {
  EXPECT_NE(error_of(plugin("broken_segv")), "");
  ASSERT_TRUE(describe_plugin(plugin("faulty")).ok());
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(PluginTest, HashesAFile) {
  const auto digest = sha256_of(file_with("abc"));
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(*digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of_bytes("abc"), *digest);
}

TEST_F(PluginTest, HashingNamesAMissingFile) {
  const auto digest = sha256_of("/nowhere/file");
  ASSERT_FALSE(digest.ok());
  EXPECT_EQ(digest.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(digest.status().message(), HasSubstr("/nowhere/file"));
}

}  // namespace
}  // namespace fanfold::worker
