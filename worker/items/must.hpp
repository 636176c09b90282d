// What a job throws in place of an error: its host reports the text.

#pragma once

#include <stdexcept>
#include <utility>

#include "common/core/status.hpp"

namespace fanfold::worker {

template <class T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().message());
  return *std::move(result);
}

}  // namespace fanfold::worker
