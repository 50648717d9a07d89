# g++ 12 and 13 destroy a temporary twice when it shares an expression with co_await, so a broker built by them would corrupt memory.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines: build Tidelog with clang++-19 (`make build` does) or g++ 14 and later.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror=return-type -Werror=unused-result -Wno-missing-field-initializers
                    -Wno-c2y-extensions -Wno-unknown-warning-option)
add_compile_options(-fstack-protector-strong)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_options($<$<NOT:$<BOOL:${TIDELOG_SANITIZE}>>:-U_FORTIFY_SOURCE> $<$<NOT:$<BOOL:${TIDELOG_SANITIZE}>>:-D_FORTIFY_SOURCE=3>)
endif()
add_compile_definitions(_GLIBCXX_ASSERTIONS)
# -O2 -g1: line numbers in a stack trace at a fraction of the link time of full debug information.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # What runs before `main` lies together, so that of a library that is linked and not used nothing else is ever read.
  add_link_options(-fuse-ld=lld -Wl,-z,keep-text-section-prefix)
  add_compile_options(-fcolor-diagnostics)
endif()
add_link_options(-pie -Wl,-z,relro,-z,now)

find_program(CCACHE ccache)
if(CCACHE AND NOT DEFINED ENV{CCACHE_DISABLE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options(-Xclang -fno-pch-timestamp)
  endif()
endif()
