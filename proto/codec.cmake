# The message structs and tables, made from the schema whenever it or the generator changes.
set(TIDELOG_MESSAGES_DIR ${CMAKE_CURRENT_BINARY_DIR}/generated)
set(generator ${CMAKE_CURRENT_SOURCE_DIR}/generate.py)
set(schema ${CMAKE_CURRENT_SOURCE_DIR}/schema/messages.txt)
set(errors ${CMAKE_CURRENT_SOURCE_DIR}/schema/errors.tsv)
# Once while configuring, so that the headers exist before anything asks which ones there are; then by the build, when they are stale.
execute_process(COMMAND ${Python3_EXECUTABLE} ${generator} ${schema} ${errors} ${TIDELOG_MESSAGES_DIR} COMMAND_ERROR_IS_FATAL ANY)
add_custom_command(
  OUTPUT ${TIDELOG_MESSAGES_DIR}/stamp
  COMMAND ${Python3_EXECUTABLE} ${generator} ${schema} ${errors} ${TIDELOG_MESSAGES_DIR}
  COMMAND ${CMAKE_COMMAND} -E touch ${TIDELOG_MESSAGES_DIR}/stamp
  DEPENDS ${generator} ${schema} ${errors}
  COMMENT "Generating the message codec")
add_custom_target(tidelog_messages DEPENDS ${TIDELOG_MESSAGES_DIR}/stamp)
target_sources(tidelog_proto PRIVATE ${TIDELOG_MESSAGES_DIR}/messages.cc)
# offsetof in structs with default member initialisers is what the tables are made of.
set_source_files_properties(${TIDELOG_MESSAGES_DIR}/messages.cc PROPERTIES COMPILE_OPTIONS "-Wno-invalid-offsetof")
target_include_directories(tidelog_proto PUBLIC ${TIDELOG_MESSAGES_DIR})
add_dependencies(tidelog_proto tidelog_messages)
