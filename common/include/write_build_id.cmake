# cmake -DFOLDER=<dir of the public headers> -DOUTPUT=<build_id.hpp> -P write_build_id.cmake
# Writes an id of the public headers' contents.  An unchanged id leaves the file untouched.
cmake_minimum_required(VERSION 3.25)
file(GLOB_RECURSE headers RELATIVE ${FOLDER} ${FOLDER}/*.hpp)
list(SORT headers)
set(all "")
foreach(header ${headers})
  file(SHA256 ${FOLDER}/${header} digest)
  string(APPEND all "${header} ${digest}\n")
endforeach()
string(SHA256 id "${all}")
string(SUBSTRING ${id} 0 16 id)
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"// Generated: an id of the public headers' contents, part of every plugin's fingerprint.
#pragma once
#define FANFOLD_BUILD_ID \"@id@\"
" @ONLY)
