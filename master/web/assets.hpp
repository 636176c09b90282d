// Parts of pages that are files of this folder, built into the program (CMakeLists.txt).

#pragma once

#include <string_view>

namespace fanfold::master::web {

extern const std::string_view kMasterStyle;   // master.css
extern const std::string_view kPageScript;    // page.js
extern const std::string_view kTableScript;   // attempts.js
extern const std::string_view kOutputScript;  // output.js

}  // namespace fanfold::master::web
