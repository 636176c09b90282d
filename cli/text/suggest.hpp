// "Did you mean ...?" for commands, flags, parameters and jobs.  Knows no list of its own.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace fanfold::cli {

/// Insertions, deletions, substitutions and swaps of neighbours that turn one into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that `word` most likely meant; empty when none is near enough to be worth saying.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

/// " Did you mean 'x'?", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

/// "a, b and c".
std::string join_words(std::span<const std::string> words, std::string_view last_separator);

}  // namespace fanfold::cli
