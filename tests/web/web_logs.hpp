// Event logs in a directory, as a master leaves them.

#pragma once

#include <fstream>
#include <string>

#include "tests/io/temporary_directory.hpp"

namespace fanfold::master::web {

inline const std::string kHostile = "<script>alert(1)</script>\"'&";

class Logs {
 public:
  std::string directory() const { return directory_.path(); }
  void append(int job, const std::string& text) const {
    std::ofstream(directory_.path("job-" + std::to_string(job) + ".jsonl"), std::ios::app) << text;
  }
  void replace(int job, const std::string& text) const {
    std::ofstream(directory_.path("job-" + std::to_string(job) + ".jsonl")) << text;
  }

  static std::string line(const std::string& event, int time, const std::string& fields) {
    return "{\"event\":\"" + event + "\",\"time\":" + std::to_string(1'000'000 + time) +
           (fields.empty() ? "" : ",") + fields + "}\n";
  }
  static std::string begin(const std::string& name = "words") {
    return line("job.submitted", 0, "\"version\":1,\"job\":1,\"name\":\"" + name + "\"");
  }
  static std::string attempt(const std::string& task, int began, int ended,
                             const std::string& more = "\"outcome\":\"committed\"") {
    return line("attempt.ended", ended,
                "\"task\":\"" + task + "\",\"attempt\":1,\"id\":\"" + task + std::to_string(began) +
                    "\",\"worker\":\"w\",\"assigned\":" + std::to_string(1'000'000 + began) +
                    ",\"started\":" + std::to_string(1'000'000 + began) + "," + more);
  }
  static std::string end() { return line("job.ended", 9000, "\"state\":\"succeeded\""); }

 private:
  io::TemporaryDirectory directory_;
};

}  // namespace fanfold::master::web
