// What is to be seen under which path.  Reads the board, never the master itself; any thread.

#pragma once

#include "master/web/board.hpp"
#include "master/web/http_server.hpp"

namespace fanfold::master::web {

class Site {
 public:
  /// `board` must outlive this.
  explicit Site(Board& board) : board_(board) {}

  HttpResponse respond(const HttpRequest& request) const;

 private:
  Board& board_;
};

}  // namespace fanfold::master::web
