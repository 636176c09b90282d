// Puts keys that were printed back into an order: turns the text of a key into bytes that compare
// as the key does.  The words are those of fanfold/key_codec.hpp ("bytes", "tuple(bytes,uint)").

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanfold::cli {

class KeyOrder {
 public:
  /// nullopt: not an order that this program knows, such as that of a user's own key type.
  static std::optional<KeyOrder> parse(std::string_view text);

  /// Whether printed keys can be read back: a list in the middle of a tuple cannot.
  bool readable_from_text() const;

  /// Appends the sortable form of a key printed as text (with its escapes); false: it is no such
  /// key.
  bool from_text(std::string_view key, std::string* sortable) const;

  /// The same for a record printed as JSON: {"key":...,"value":...}.
  bool from_json(std::string_view record, std::string* sortable) const;

 private:
  enum class Kind : std::uint8_t {
    kBytes,
    kUnsigned,
    kSigned,
    kFloat,
    kBool,
    kTuple,
    kList,
    kOptional
  };
  struct Node {
    Kind kind = Kind::kBytes;
    std::vector<Node> parts;
  };
  struct Reader;

  static bool parse_node(std::string_view* text, int depth, Node* node);
  static bool readable(const Node& node, bool last);
  static bool encode_fields(const Node& node, const std::vector<std::string>& fields,
                            std::size_t* next, std::string* sortable);

  Node root_;
};

/// Undoes the escapes of text output: \t \n \r \\ and "\,".
std::string unescape(std::string_view text);

}  // namespace fanfold::cli
