// The output path of a job, taken apart.

#pragma once

#include <string>

namespace fanfold::master {

/// Without slashes at the end.
std::string normal_output(const std::string& output);

/// The directory that holds the output: where publishing renames, and what it syncs.
std::string parent_of_output(const std::string& output);

}  // namespace fanfold::master
