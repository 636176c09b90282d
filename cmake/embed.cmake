# cmake -DOUT=assets.cpp -DHEADER=a/assets.hpp -DNAMESPACE=a "-DFILES=kStyle;/path/style.css;..." -P embed.cmake:
# files as C++ text.
set(text "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n\n")
while(FILES)
  list(POP_FRONT FILES name file)
  file(READ ${file} content)
  string(APPEND text "const std::string_view ${name} = R\"~~~(${content})~~~\";\n")
endwhile()
file(WRITE ${OUT} "${text}\n}  // namespace ${NAMESPACE}\n")
