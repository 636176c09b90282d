// Text as HTML.  Whatever comes from a log is hostile until it went through here.

#pragma once

#include <string>
#include <string_view>

namespace fanfold {

/// For element contents and for values in double quotes; control characters become '?'.
std::string escaped(std::string_view text);

/// Escaped, in a <code>, cut to `columns` characters.
std::string code(std::string_view text, std::size_t columns = 2000);

/// A JSON text that may stand in a <script>: nothing in it ends that element.
std::string json_for_script(std::string json);

}  // namespace fanfold
