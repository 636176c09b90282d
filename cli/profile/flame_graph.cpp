#include "cli/profile/flame_graph.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "common/report/html.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr double kWidth = 1200;
constexpr double kRow = 17;
constexpr double kHeading = 34;
constexpr double kCharacter = 6.6;  // Of the font, about.
/// Narrower bars are not to be seen.
constexpr double kBarLeast = 0.3;
constexpr std::size_t kTitleBytes = 300;

struct Node {
  std::uint64_t samples = 0;
  std::map<Function, std::unique_ptr<Node>> callees;
};

void add(Node* root, const std::vector<Function>& stack, std::uint64_t samples) {
  Node* node = root;
  node->samples += samples;
  for (const Function& function : stack) {
    auto& callee = node->callees[function];
    if (callee == nullptr) callee = std::make_unique<Node>();
    node = callee.get();
    node->samples += samples;
  }
}

/// Frames that all stacks have in common, from the outside, say nothing.
const Node* first_fork(const Node* node) {
  while (node->callees.size() == 1 && node->callees.begin()->second->samples == node->samples) {
    const Node* next = node->callees.begin()->second.get();
    if (next->callees.empty()) break;
    node = next;
  }
  return node;
}

std::size_t depth_of(const Node& node) {
  std::size_t depth = 0;
  for (const auto& [function, callee] : node.callees) depth = std::max(depth, depth_of(*callee));
  return depth + 1;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

const char* colour_of(Owner owner) {
  switch (owner) {
    case Owner::kUser:
      return "#f0883e";
    case Owner::kFanfold:
      return "#6cb6ff";
    case Owner::kSystem:
      break;
  }
  return "#b0b7be";
}

class Drawing {
 public:
  void text(double x, double y, const std::string& words, const char* more = "") {
    svg_ += "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\"" + more + ">" + escaped(words) +
            "</text>\n";
  }
  void stage(Stage stage, const Stacks& stacks, double top) {
    Node root;
    for (const auto& [stack, samples] : stacks) add(&root, stack, samples);
    const Node* shown = first_fork(&root);
    total_ = root.samples;
    height_ = kRow * static_cast<double>(depth_of(*shown) - 1);
    text(4, top + kHeading - 10,
         std::string(name_of(stage)) + ": " + plural(root.samples, "sample"),
         " font-weight=\"bold\"");
    base_ = top + kHeading + height_;
    callees(*shown, 0, 0);
  }
  double height() const { return kHeading + height_; }
  std::string take() { return std::move(svg_); }

 private:
  void callees(const Node& node, double x, std::size_t level) {
    for (const auto& [function, callee] : node.callees) {
      const double width =
          kWidth * static_cast<double>(callee->samples) / static_cast<double>(total_);
      if (width >= kBarLeast) {
        bar(function, *callee, x, width, level);
        callees(*callee, x, level + 1);
      }
      x += width;
    }
  }
  void bar(const Function& function, const Node& node, double x, double width, std::size_t level) {
    const double y = base_ - kRow * static_cast<double>(level + 1);
    const double share = 100 * static_cast<double>(node.samples) / static_cast<double>(total_);
    svg_ += "<g><title>" + escaped(function.name.substr(0, kTitleBytes)) + ": " + number(share) +
            " %, " + plural(node.samples, "sample") + "</title><rect x=\"" + number(x) + "\" y=\"" +
            number(y) + "\" width=\"" + number(width) + "\" height=\"" + number(kRow - 1) +
            "\" fill=\"" + colour_of(function.owner) + "\"/>";
    const auto fits = static_cast<std::size_t>(std::max(0.0, (width - 6) / kCharacter));
    if (fits >= 3) {
      const bool cut = function.name.size() > fits;
      text(x + 3, y + kRow - 5, cut ? function.name.substr(0, fits - 2) + ".." : function.name);
    }
    svg_ += "</g>\n";
  }

  std::string svg_;
  double base_ = 0;
  double height_ = 0;
  std::uint64_t total_ = 1;
};

}  // namespace

std::string flame_graph_svg(const std::string& title, const std::map<Stage, Stacks>& stages) {
  Drawing drawing;
  double top = kHeading;
  for (const auto& [stage, stacks] : stages) {
    drawing.stage(stage, stacks, top);
    top += drawing.height();
  }
  const std::string size = number(kWidth) + " " + number(top + 10);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + "\" width=\"" +
         number(kWidth) +
         "\" font-family=\"monospace\" font-size=\"11\">\n<rect width=\"100%\" "
         "height=\"100%\" fill=\"#ffffff\"/>\n<text x=\"4\" y=\"20\" font-size=\"14\">" +
         escaped(title) + " (orange: the plugin, blue: Fanfold, grey: libraries)</text>\n" +
         drawing.take() + "</svg>\n";
}

}  // namespace fanfold::cli
