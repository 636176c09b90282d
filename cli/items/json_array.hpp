// The elements of an array in a JSON file of any size, one after the other.

#pragma once

#include <string>
#include <vector>

#include "cli/items/item_source.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

/// `pointer`: the names of the fields that lead to the array.
Status for_each_element(const std::string& path, const std::vector<std::string>& pointer,
                        const VisitItem& visit);

}  // namespace fanfold::cli
