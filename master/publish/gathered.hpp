// The output of a job whose results were gathered: one file instead of the parts.

#pragma once

#include "master/publish/publish.hpp"

namespace fanfold::master {

/// Instead of what each reduce left to be gathered, `root` is to be published: what the root of the
/// tree wrote.  Named outputs of reduces stay.
void put_gathered(PublishRequest* request, AttemptFiles root);

}  // namespace fanfold::master
