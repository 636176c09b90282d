// The pages of each session in order of time, from JSON Lines with `session`, `time` and `page`.

#include <fanfold/job.hpp>

struct JsonSessions {
  using Input = fanfold::JsonLines;
  using Visit = std::pair<std::int64_t, std::string_view>;  // Time, page.

  // Values come sorted instead of in input order.  Pairs compare by their first part first.
  static constexpr bool order_values = true;

  void map(fanfold::JsonLine& visit, fanfold::Emitter<std::string_view, Visit>& out) {
    out.emit(visit.string("session"), Visit{visit.integer("time"), visit.string("page")});
  }

  void reduce(std::string_view session, fanfold::Values<Visit>& visits, fanfold::Writer& out) {
    for (const Visit& visit : visits) out.write(session, visit.second);
  }
};
FANFOLD_JOB(JsonSessions, "json_sessions", "Lists the pages of each session in order of time.");
