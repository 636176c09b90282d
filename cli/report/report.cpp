#include "cli/report/report.hpp"

#include <cstdint>
#include <string_view>

#include "common/report/assets.hpp"
#include "common/report/html.hpp"
#include "common/report/sections.hpp"
#include "common/report/stage_graph.hpp"
#include "common/report/timeline.hpp"
#include "common/text/units.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

std::string base64_of_hex(const std::string& hex) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bits = (bits << 8) | static_cast<std::uint32_t>(std::stoul(hex.substr(i, 2), nullptr, 16));
    for (count += 8; count >= 6; count -= 6) text += kDigits[(bits >> (count - 6)) & 63];
  }
  if (count > 0) text += kDigits[(bits << (6 - count)) & 63];
  while (text.size() % 4 != 0) text += '=';
  return text;
}

std::string head(const JobHistory& history, const std::string& script) {
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'unsafe-inline'; script-src 'sha256-" +
         base64_of_hex(worker::sha256_of_bytes(script)) +
         "'\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>" +
         escaped(fit(history.name, 80)) + " " + escaped(history.state) + "</title>\n<style>" +
         std::string(kPageStyle) + "</style></head>\n<body>\n";
}

}  // namespace

std::string report_html(const JobHistory& history, const Analysis& analysis) {
  const std::string script =
      std::string(kTimelineScript) +
      "fanfoldTimeline().show(JSON.parse(document.getElementById(\"data\").textContent));\n";
  const JobSections sections = job_sections(history, analysis);
  return head(history, script) + sections.summary + stage_graph(history, {}) + timeline_section() +
         sections.keys + sections.details + "<footer>" +
         (history.state == "running"
              ? "<p>The log ends before the job does: the page shows what was known then.</p>"
              : "") +
         "<p>Made by fanfold report from the event log of the job.</p></footer>\n"
         "<script type=\"application/json\" id=\"data\">" +
         json_for_script(timeline_json(history)) + "</script>\n<script>" + script +
         "</script>\n</body></html>\n";
}

}  // namespace fanfold::cli
