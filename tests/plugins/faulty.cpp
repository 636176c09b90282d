// A job that does what its records tell it to: each line that is a command goes wrong in that way,
// any other line is counted.  One plugin for all faults, so a fault is always tied to a record.

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fanfold/job.hpp>

namespace {

// Each fault is a function of its own that is never inlined: tests look for its name in the stack.
#define FAULT [[gnu::noinline]] void

FAULT write_to_null_pointer() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

// But for this one, whose name is lost: its place is not.
[[gnu::always_inline]] inline void write_inlined() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 2;
}

FAULT call_null_function() {
  void (*volatile nothing)() = nullptr;
  nothing();
}

/// Goes well, but for whoever looks closely.
FAULT read_beyond_the_end() {
  const std::vector<char> few(10, 'f');
  const volatile char* volatile begin = few.data();
  volatile char beyond = begin[10];
  static_cast<void>(beyond);
}

FAULT abort_on_purpose() { std::abort(); }

FAULT throw_on_purpose() { throw std::runtime_error("this record is bad"); }

FAULT throw_an_integer() { throw 42; }

FAULT terminate_by_noexcept() noexcept { throw_on_purpose(); }

FAULT exit_on_purpose() { std::exit(3); }

FAULT divide_by_zero() {
  volatile int one = 1;
  volatile int zero = 0;
  volatile int result = one / zero;
  static_cast<void>(result);
}

FAULT hang_for_ever() {
  for (volatile bool forever = true; forever;) {
  }
}

FAULT hang_deaf() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  hang_for_ever();
}

/// As the kernel ends whoever has most when a host is short of memory.
FAULT get_killed_while_large() {
  std::vector<char> kept(128u << 20, 'x');
  ::kill(::getpid(), kept.back() == 'x' ? SIGKILL : 0);
}
FAULT leak_without_bound() {
  std::vector<std::vector<char>> kept;
  for (;;) kept.emplace_back(16u << 20, 'x');
}

[[gnu::noinline]] int recurse_without_bound(int depth) {
  volatile char frame[4096] = {};
  frame[depth % 4096] = static_cast<char>(depth);
  return recurse_without_bound(depth + 1) + frame[depth % 4096];
}

FAULT print_without_bound() {
  const std::string line(1023, 'p');
  for (int i = 0; i < 1'000'000; ++i) std::puts(line.c_str());
}

FAULT close_all_descriptors() {
  for (int descriptor = 0; descriptor < 1024; ++descriptor) ::close(descriptor);
}

FAULT replace_all_descriptors() {
  close_all_descriptors();
  while (::open("/dev/null", O_RDWR) >= 0) {
  }
}

FAULT leave_a_child_behind() {
  if (::fork() == 0) {
    ::close(3);
    for (;;) ::pause();
  }
}

/// Until the test makes this file.
void wait_for(const std::string& path) {
  while (::access(path.c_str(), F_OK) != 0) ::poll(nullptr, 0, 1);
}

/// On the first worker that comes by, and on no other: its executors have one parent.
bool is_on_chosen_worker(const std::string& path) {
  const std::string parent = std::to_string(::getppid());
  const int made = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (made >= 0) {
    const bool written = ::write(made, parent.data(), parent.size()) > 0;
    ::close(made);
    return written;
  }
  const int chosen = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char text[32];
  const ssize_t bytes = ::read(chosen, text, sizeof text);
  ::close(chosen);
  return bytes > 0 && std::string(text, static_cast<std::size_t>(bytes)) == parent;
}

FAULT crash_in_a_thread() {
  std::thread([] { write_to_null_pointer(); }).join();
}

void touch(const std::string& path) {
  ::close(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

class Faulty {
 public:
  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<bool>("fail_setup", false, "Throw before the first record.");
    parameters.optional<bool>("fail_reduce", false, "Fail at keys that say how.");
  }

  void setup(fanfold::Context& context) {
    context_ = &context;
    half_ = &context.counter("half");
    fail_reduce_ = context.parameter<bool>("fail_reduce");
    if (context.parameter<bool>("fail_setup")) throw std::runtime_error("setup fails on purpose");
  }

  // Its name is looked for in stacks too.
  [[gnu::noinline]] void map(std::string_view line,
                             fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    if (line == "segv") write_to_null_pointer();
    if (line == "segv inlined") write_inlined();
    if (line == "call null") call_null_function();
    if (line == "overrun") read_beyond_the_end();
    if (line == "abort") abort_on_purpose();
    if (line == "throw") throw_on_purpose();
    if (line == "throw int") throw_an_integer();
    if (line == "terminate") terminate_by_noexcept();
    if (line == "exit") exit_on_purpose();
    if (line == "divide") divide_by_zero();
    if (line == "hang") hang_for_ever();
    if (line == "hang deaf") hang_deaf();
    if (line == "killed while large") get_killed_while_large();
    if (line == "leak") leak_without_bound();
    if (line == "recurse") sink_ = recurse_without_bound(0);
    if (line == "print") print_without_bound();
    // Another executor gives something else.
    if (line == "differ") return out.emit(std::to_string(::getpid()), 1);
    if (line == "say hello") std::puts("hello from user code");
    if (line.starts_with("print ")) std::puts(std::string(line.substr(6)).c_str());
    if (line == "log hello") context_->log("hello from the log");
    if (line == "close") close_all_descriptors();
    if (line == "replace") replace_all_descriptors();
    if (line == "fork") leave_a_child_behind();
    if (line == "thread") crash_in_a_thread();
    if (line == "segv once" && context_->attempt() == 1) write_to_null_pointer();
    if (line.starts_with("give back ") && context_->attempt() == 1) {
      const std::chrono::milliseconds delay(std::stoi(std::string(line.substr(10))));
      context_->give_back(delay, "the service is away");
    }
    if (line.starts_with("wait for ")) wait_for(std::string(line.substr(9)));
    if (line.starts_with("wait once for ") && context_->attempt() == 1) {
      wait_for(std::string(line.substr(14)));
    }
    if (line.starts_with("file ")) return out.emit(context_->side_file(line.substr(5)), 1);
    if (line.starts_with("lie at ")) return lie(std::string(line.substr(7)), out);
    if (line.starts_with("emit ")) {
      half_->add();
      for (int left = std::stoi(std::string(line.substr(5))); left > 0; --left) out.emit("half", 1);
      throw_on_purpose();
    }
    if (line == "write and throw") {
      out.to("half").write_line("half");
      throw_on_purpose();
    }
    if (line.starts_with("touch ")) touch(std::string(line.substr(6)));
    if (line == "huge") return out.emit(std::string(65u << 20, 'h'), 1);
    out.emit(line, 1);
  }

  void reduce(std::string_view key, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    if (fail_reduce_) fail_at(key);
    out.write(key, fanfold::sum(counts));
  }

 private:
  /// One worker gives something else at once; the others wait until they are told to go on.
  static void lie(const std::string& path, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    if (is_on_chosen_worker(path)) return out.emit("lie", 1);
    wait_for(path + ".go");
    out.emit("truth", 1);
  }

  static void fail_at(std::string_view key) {
    if (key == "bad key") throw_on_purpose();
    if (key == "segv key") write_to_null_pointer();
    if (key == "exit key") exit_on_purpose();
    if (key == "hang key") hang_for_ever();
  }

  fanfold::Context* context_ = nullptr;
  fanfold::Counter* half_ = nullptr;
  bool fail_reduce_ = false;
  volatile int sink_ = 0;
};

}  // namespace

FANFOLD_JOB(Faulty, "faulty", "Goes wrong as its records say.");
