// How often each `MAJOR.MINOR` version occurs, newest first: a key type of one's own.

#include <charconv>
#include <fanfold/job.hpp>

struct Version {
  std::uint32_t major_number = 0;
  std::uint32_t minor_number = 0;
};

// How it prints.
inline std::string to_text(const Version& version) {
  return std::to_string(version.major_number) + "." + std::to_string(version.minor_number);
}

// How it becomes bytes that compare as the keys shall: here, larger numbers come first.
template <>
struct fanfold::KeyCodec<Version> {
  using Number = KeyCodec<std::uint32_t>;
  static void encode(const Version& version, Bytes& out) {
    Number::encode(~version.major_number, out);
    Number::encode(~version.minor_number, out);
  }
  static bool decode(const char*& from, const char* end, Version& version, Scratch& scratch) {
    const bool decoded = Number::decode(from, end, version.major_number, scratch) &&
                         Number::decode(from, end, version.minor_number, scratch);
    version = {~version.major_number, ~version.minor_number};
    return decoded;
  }
  static std::string order() { return "version"; }
};

struct Versions {
  // Parts in key order: all keys of part-00000 come before those of part-00001.
  static constexpr auto partitioning = fanfold::kRangePartitioned;

  void setup(fanfold::Context& context) { context_ = &context; }

  void map(std::string_view line, fanfold::Emitter<Version, std::uint64_t>& out) {
    std::string_view text = line;
    Version version;
    if (!take_number(text, version.major_number) || !text.starts_with('.') ||
        !take_number(text = text.substr(1), version.minor_number) || !text.empty()) {
      // A named output, written by the map task itself.
      out.to("rejects").write(context_->file(), std::pair(context_->offset(), line));
      return;
    }
    out.emit(version, 1);
  }

  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }

 private:
  static bool take_number(std::string_view& text, std::uint32_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return error == std::errc();
  }

  fanfold::Context* context_ = nullptr;
};
FANFOLD_JOB(Versions, "versions", "Counts versions, newest first.");
