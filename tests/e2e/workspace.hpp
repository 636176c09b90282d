// A directory for one end-to-end test, and the proof that a command left nothing of itself in it.

#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace fanfold::e2e {

class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /// A short absolute path: sockets have to fit below it.
  const std::string& root() const { return root_; }
  std::string path(const std::string& name) const { return root_ + "/" + name; }
  /// TMPDIR of every command.
  std::string temporary() const { return root_ + "/tmp"; }

  /// Creates parents; returns the path.
  std::string write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;
  /// Makes all of it the property of nobody, for commands that run as nobody.  Needs root.
  void give_to_nobody() const;
  bool exists(const std::string& name) const;
  std::vector<std::string> list(const std::string& name) const;

  /// Names of files and their contents, without the fields of _SUCCESS that differ from run to run.
  std::string fingerprint(const std::string& output) const;

  /// Processes whose command line names this workspace, and entries of temporary(); empty: none.
  std::string leftovers() const;
  /// The same, and entries of root() that look like staging directories.
  std::string remains() const;

 private:
  std::string root_;
};

/// Processes, other than this one, whose command line contains `text`.
std::vector<pid_t> processes_naming(const std::string& text);
/// Children of `parent` and theirs.
std::vector<pid_t> descendants_of(pid_t parent);
/// Arguments separated by spaces; empty when it is gone.
std::string command_line_of(pid_t pid);

/// Words of a vocabulary, some frequent and most rare; the same for the same seed.
std::string make_text(unsigned seed, std::size_t lines);

}  // namespace fanfold::e2e
