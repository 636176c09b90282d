// What hosts are told to do.  The texts are the .sh files of this folder, each behind common.sh.

#pragma once

#include <string_view>

namespace fanfold::cli {

extern const std::string_view kCommonScript;
extern const std::string_view kProbeScript;
extern const std::string_view kStartScript;
extern const std::string_view kLearnScript;
extern const std::string_view kTailScript;
extern const std::string_view kLeaveScript;
extern const std::string_view kStopScript;

}  // namespace fanfold::cli
