// Parts of the report that are files of this folder, built into the program (CMakeLists.txt).

#pragma once

#include <string_view>

namespace fanfold::cli {

extern const std::string_view kReportStyle;   // report.css
extern const std::string_view kReportScript;  // report.js

}  // namespace fanfold::cli
