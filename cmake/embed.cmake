# fanin_embed(TARGET SOURCE NAME=FILE...): files become std::string_view constants of namespace fanin, declared in a header
# of the target's own. Run as a script, writes the source: cmake -D "ENTRIES=NAME=FILE..." -D OUT=... -P embed.cmake
if(CMAKE_SCRIPT_MODE_FILE)
  set(text "#include <string_view>\n\nnamespace fanin {\n\n")
  foreach(entry IN LISTS ENTRIES)
    string(REGEX MATCH "^([^=]+)=(.+)$" matched "${entry}")
    set(name "${CMAKE_MATCH_1}")
    file(READ "${CMAKE_MATCH_2}" content)
    string(APPEND text "extern const std::string_view ${name};\n"
      "const std::string_view ${name} = R\"fanin_file(${content})fanin_file\";\n\n")
  endforeach()
  file(WRITE "${OUT}" "${text}}  // namespace fanin\n")
  return()
endif()

function(fanin_embed target source)
  set(out ${PROJECT_BINARY_DIR}/generated/${source})
  set(files "")
  foreach(entry IN LISTS ARGN)
    string(REGEX REPLACE "^[^=]+=" "" file "${entry}")
    list(APPEND files "${file}")
  endforeach()
  add_custom_command(OUTPUT ${out} VERBATIM
    COMMAND ${CMAKE_COMMAND} "-DENTRIES=${ARGN}" -DOUT=${out} -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPENDS ${files} ${CMAKE_CURRENT_FUNCTION_LIST_FILE})
  target_sources(${target} PRIVATE ${out})
endfunction()
