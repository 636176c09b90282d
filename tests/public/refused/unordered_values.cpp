// order_values needs values that could be keys
#include <fanfold/job.hpp>

struct Point {
  int x = 0;
};
template <>
struct fanfold::ValueCodec<Point> {
  static void encode(const Point& value, Bytes& out) { ValueCodec<int>::encode(value.x, out); }
  static bool decode(const char*& from, const char* end, Point& value, Scratch& scratch) {
    return ValueCodec<int>::decode(from, end, value.x, scratch);
  }
};
struct Wrong {
  static constexpr bool order_values = true;
  void map(std::string_view line, fanfold::Emitter<std::string_view, Point>& out) {
    out.emit(line, Point());
  }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
