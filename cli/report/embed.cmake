# cmake -DSTYLE=report.css -DSCRIPT=report.js -DOUT=assets.cpp -P embed.cmake: both as C++ text.
file(READ ${STYLE} style)
file(READ ${SCRIPT} script)
file(WRITE ${OUT} "#include \"cli/report/assets.hpp\"

namespace fanfold::cli {

const std::string_view kReportStyle = R\"~~~(${style})~~~\";
const std::string_view kReportScript = R\"~~~(${script})~~~\";

}  // namespace fanfold::cli
")
