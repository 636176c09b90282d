// specialise fanfold::KeyCodec
#include <fanfold/job.hpp>

struct Page {
  int number = 0;
};
struct Wrong {
  void map(std::string_view, fanfold::Emitter<Page, int>& out) { out.emit(Page(), 1); }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
