// What is to be seen under which path.  Reads the board and event logs, never the master itself;
// any thread.

#pragma once

#include <string>

#include "master/web/board.hpp"
#include "master/web/http_server.hpp"
#include "master/web/job_views.hpp"

namespace fanfold::master::web {

class Site {
 public:
  /// `board` must outlive this.  `event_directory` may be empty: no logs are kept.
  Site(Board& board, std::string event_directory)
      : board_(board), views_(std::move(event_directory)) {}

  HttpResponse respond(const HttpRequest& request);

 private:
  HttpResponse respond_about_job(const HttpRequest& request, const Snapshot& snapshot,
                                 std::string_view rest, bool as_page);

  Board& board_;
  JobViews views_;
};

}  // namespace fanfold::master::web
