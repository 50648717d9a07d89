# tidelog_precompile(NAME HEADER): the header is compiled once, with what it instantiates, instead of in every unit.
function(tidelog_precompile name header)
  target_precompile_headers(${name} PRIVATE ${header})
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:Clang>:-fpch-instantiate-templates>)
endfunction()

# tidelog_library(NAME [DEPENDS target...] [EXCLUDE regex...] [PRECOMPILE header]): a static library of every .cc below the calling folder;
# one layer, one target.
function(tidelog_library name)
  cmake_parse_arguments(arg "" "PRECOMPILE" "DEPENDS;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  foreach(pattern IN LISTS arg_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX ${pattern})
  endforeach()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_DEPENDS})
  if(NOT arg_PRECOMPILE)
    set(arg_PRECOMPILE ${PROJECT_SOURCE_DIR}/proto/base/precompiled.h)
  endif()
  tidelog_precompile(${name} ${arg_PRECOMPILE})
endfunction()
