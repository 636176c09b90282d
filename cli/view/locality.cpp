#include "cli/view/locality.hpp"

#include "common/text/units.hpp"

namespace fanfold::cli {

std::string locality_text(const proto::LocalityStatus& locality) {
  std::string text = std::to_string(locality.there) + " of " + plural(locality.maps, "map") +
                     " ran on hosts that they prefer";
  if (locality.elsewhere > 0) text += ", " + std::to_string(locality.elsewhere) + " elsewhere";
  return text;
}

}  // namespace fanfold::cli
