#include "worker/service/identity.hpp"

#include <sys/random.h>

namespace fanfold::worker {

std::string new_uuid() {
  unsigned char bytes[16] = {};
  static_cast<void>(::getrandom(bytes, sizeof bytes, 0));
  std::string text;
  for (const unsigned char byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace fanfold::worker
