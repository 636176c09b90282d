#include "worker/isolation/attempt_profile.hpp"

#include <cstdio>

#include "common/profile/sampler.hpp"
#include "worker/plugin/sealed_copy.hpp"

namespace fanfold::worker {
namespace {

void tell(const Status& status) {
  if (!status.ok()) std::fprintf(stderr, "fanfold: %s\n", status.message().c_str());
}

}  // namespace

AttemptProfile::AttemptProfile(const std::string& directory, const std::string& plugin, Stage stage,
                               SampleWriter& writer)
    : directory_(directory), plugin_(plugin), writer_(writer) {
  // Of an earlier job the timer may still run.
  if (directory_.empty()) {
    Sampler::stop();
    return;
  }
  Sampler::enter(stage);
  tell(Sampler::start());
}

AttemptProfile::~AttemptProfile() {
  if (directory_.empty()) return;
  Sampler::leave();
  tell(writer_.append(directory_, take_profile({.mapped = kSealedCopyInMaps, .path = plugin_})));
}

}  // namespace fanfold::worker
