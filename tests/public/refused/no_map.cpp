// the job has no map function
#include <fanfold/job.hpp>

struct Wrong {};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
