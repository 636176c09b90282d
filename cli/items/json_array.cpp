#include "cli/items/json_array.hpp"

#include <fstream>

#include "common/items/json_text.hpp"

namespace fanfold::cli {
namespace {

/// Fed by the parser, event by event.  Builds the elements of the array that the pointer leads to,
/// and passes over the rest.
class ElementBuilder final : public nlohmann::json_sax<Json> {
 public:
  ElementBuilder(const std::vector<std::string>& pointer, const VisitItem& visit)
      : pointer_(pointer), visit_(visit) {}

  bool found() const { return phase_ != Phase::kSeeking; }
  bool enough() const { return enough_; }
  const Status& status() const { return status_; }

  bool null() override { return scalar(Json()); }
  bool boolean(bool value) override { return scalar(Json(value)); }
  bool number_integer(number_integer_t value) override { return scalar(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(Json(value)); }
  bool number_float(number_float_t value, const string_t&) override { return scalar(Json(value)); }
  bool string(string_t& value) override { return scalar(Json(std::move(value))); }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override {
    if (phase_ == Phase::kInside) return open(Json::object());
    if (passing_over()) return deeper();
    if (names_ == pointer_.size()) return no_array("an object");
    wanted_ = false;
    ++names_;
    return true;
  }
  bool key(string_t& name) override {
    if (phase_ == Phase::kInside) key_ = name;
    if (phase_ == Phase::kSeeking && skipped_ == 0) wanted_ = name == pointer_[names_ - 1];
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override {
    if (phase_ == Phase::kInside) return open(Json::array());
    if (passing_over()) return deeper();
    if (names_ != pointer_.size()) return no_array("an array on the way");
    phase_ = Phase::kInside;
    return true;
  }
  bool end_array() override {
    if (phase_ == Phase::kInside && stack_.empty()) {
      phase_ = Phase::kBehind;
      return true;
    }
    return close();
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    std::string why = error.what();
    const std::size_t end = why.find("] ");
    if (end != std::string::npos) why.erase(0, end + 2);
    return fail("it is no JSON: " + why);
  }

 private:
  enum class Phase { kSeeking, kInside, kBehind };

  /// What does not lie on the way to the array.
  bool passing_over() const { return phase_ == Phase::kBehind || skipped_ > 0 || !wanted_; }
  bool deeper() {
    return ++skipped_ <= items::kJsonDepth || fail("its values lie in one another too deep");
  }
  bool fail(std::string why) {
    status_ = Status(StatusCode::kCorruption, std::move(why));
    return false;
  }
  bool no_array(const std::string& what) {
    return fail("where the array of items should be, there is " + what);
  }

  bool scalar(Json value) {
    if (phase_ == Phase::kInside) {
      add(std::move(value));
      return !stack_.empty() || hand_over();
    }
    if (passing_over()) return true;
    return no_array("a plain value");
  }

  Json* add(Json value) {
    if (stack_.empty()) {
      item_ = std::move(value);
      return &item_;
    }
    Json& into = *stack_.back();
    if (into.is_array()) {
      into.push_back(std::move(value));
      return &into.back();
    }
    return &(into[key_] = std::move(value));
  }

  bool open(Json container) {
    if (stack_.size() == items::kJsonDepth) return fail("its values lie in one another too deep");
    stack_.push_back(add(std::move(container)));
    return true;
  }

  bool close() {
    if (phase_ == Phase::kInside) {
      stack_.pop_back();
      return !stack_.empty() || hand_over();
    }
    if (skipped_ > 0) {
      --skipped_;
    } else if (phase_ == Phase::kSeeking) {
      --names_;
      wanted_ = false;
    }
    return true;
  }

  bool hand_over() {
    const Result<bool> more = visit_(std::move(item_));
    if (!more.ok()) status_ = more.status();
    enough_ = more.ok() && !*more;
    return more.ok() && *more;
  }

  const std::vector<std::string>& pointer_;
  const VisitItem& visit_;
  Phase phase_ = Phase::kSeeking;
  bool wanted_ = true;       // The next value lies on the way.
  std::size_t names_ = 0;    // Objects on the way that are open.
  std::size_t skipped_ = 0;  // Containers that are open and do not.
  Json item_;
  std::vector<Json*> stack_;  // Open containers of the item.
  std::string key_;
  bool enough_ = false;
  Status status_;
};

}  // namespace

Status for_each_element(const std::string& path, const std::vector<std::string>& pointer,
                        const VisitItem& visit) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return {StatusCode::kNotFound, "cannot open " + path};
  ElementBuilder builder(pointer, visit);
  const bool parsed = Json::sax_parse(file, &builder);
  if (builder.enough()) return {};
  if (!parsed) return Status(builder.status()).with_context(path);
  if (builder.found()) return {};
  std::string where;
  for (const std::string& name : pointer) where += "/" + name;
  return {StatusCode::kCorruption, path + ": there is no array at " + where};
}

}  // namespace fanfold::cli
