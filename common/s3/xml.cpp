#include "common/s3/xml.hpp"

#include <charconv>
#include <cstdint>
#include <utility>

namespace fanfold::s3 {
namespace {

constexpr std::pair<std::string_view, char> kEntities[] = {
    {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};

void append_utf8(std::uint32_t code, std::string* text) {
  const auto put = [text](std::uint32_t byte) { text->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6));
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | ((code >> 18) & 0x07));
    put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

/// False: it is none that we know.
bool append_entity(std::string_view entity, std::string* text) {
  for (const auto& [name, character] : kEntities) {
    if (entity == name) {
      text->push_back(character);
      return true;
    }
  }
  if (!entity.starts_with('#')) return false;
  entity.remove_prefix(1);
  const bool hexadecimal = entity.starts_with('x');
  if (hexadecimal) entity.remove_prefix(1);
  std::uint32_t code = 0;
  const char* const end = entity.data() + entity.size();
  const auto [rest, error] = std::from_chars(entity.data(), end, code, hexadecimal ? 16 : 10);
  if (error != std::errc() || rest != end || code > 0x10ffff) return false;
  append_utf8(code, text);
  return true;
}

std::string unescaped(std::string_view text) {
  constexpr std::size_t kEntityMax = 10;
  std::string plain;
  while (!text.empty()) {
    const std::size_t ampersand = std::min(text.find('&'), text.size());
    plain += text.substr(0, ampersand);
    text.remove_prefix(ampersand);
    if (text.empty()) break;
    const std::size_t end = text.find(';');
    if (end < kEntityMax && append_entity(text.substr(1, end - 1), &plain)) {
      text.remove_prefix(end + 1);
    } else {
      plain += '&';
      text.remove_prefix(1);
    }
  }
  return plain;
}

}  // namespace

std::vector<std::string_view> elements(std::string_view xml, std::string_view name) {
  std::vector<std::string_view> found;
  const std::string closing = "</" + std::string(name) + ">";
  for (std::size_t at = xml.find('<'); at != xml.npos; at = xml.find('<', at + 1)) {
    const std::string_view rest = xml.substr(at + 1);
    if (!rest.starts_with(name)) continue;
    const std::size_t end = rest.find('>');
    if (end == rest.npos) break;
    // <Name>, or <Name xmlns="...">; not <NameOfMore>.
    const char next = rest[name.size()];
    if (next != '>' && next != ' ' && next != '/') continue;
    if (rest[end - 1] == '/') {
      found.push_back(rest.substr(end, 0));
      continue;
    }
    const std::string_view inside = rest.substr(end + 1);
    const std::size_t close = inside.find(closing);
    if (close == inside.npos) break;
    found.push_back(inside.substr(0, close));
    at += 1 + end + 1 + close;
  }
  return found;
}

std::optional<std::string> text_of(std::string_view xml, std::string_view name) {
  const std::vector<std::string_view> found = elements(xml, name);
  if (found.empty()) return std::nullopt;
  return unescaped(found.front());
}

std::string escape_xml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    bool plain = true;
    for (const auto& [name, character] : kEntities) {
      if (c != character) continue;
      escaped.append("&").append(name).append(";");
      plain = false;
    }
    if (plain) escaped += c;
  }
  return escaped;
}

}  // namespace fanfold::s3
