// Parts of pages that are files of this folder, built into the program (CMakeLists.txt).

#pragma once

#include <string_view>

namespace fanfold {

extern const std::string_view kPageStyle;       // style.css
extern const std::string_view kTimelineScript;  // timeline.js: defines fanfoldTimeline()

}  // namespace fanfold
