// What is to be seen under which path.  Reads the board and event logs; what an attempt writes is
// asked of the master, as a client would.  Any thread.

#pragma once

#include <string>

#include "common/http/http_server.hpp"
#include "master/web/board.hpp"
#include "master/web/job_views.hpp"
#include "master/web/questions.hpp"

namespace fanfold::master::web {

class Site {
 public:
  /// `board` and `questions` must outlive this.  `event_directory` may be empty: no logs are kept.
  Site(Board& board, Questions& questions, std::string event_directory)
      : board_(board), questions_(questions), views_(std::move(event_directory)) {}

  HttpResponse respond(const HttpRequest& request);

 private:
  HttpResponse respond_about_job(const HttpRequest& request, const Snapshot& snapshot,
                                 std::string_view rest, bool as_page);

  Board& board_;
  Questions& questions_;
  JobViews views_;
};

}  // namespace fanfold::master::web
