# fanin_embed(TARGET SOURCE NAME=FILE...): files become constants of namespace fanin, of type std::string_view, with
# NAMESha256 beside them; a header of the target's own declares them.
# Run as a script it writes that source: cmake "-DENTRIES=NAME=FILE;..." -DOUT=FILE -P embed.cmake
if(CMAKE_SCRIPT_MODE_FILE)
  set(text "#include <string_view>\n\nnamespace fanin {\n")
  foreach(entry IN LISTS ENTRIES)
    string(REGEX MATCH "^([^=]+)=(.+)$" matched "${entry}")
    set(name "${CMAKE_MATCH_1}")
    set(file "${CMAKE_MATCH_2}")
    file(READ "${file}" content)
    string(FIND "${content}" "fanin_file" delimiter)
    string(REGEX MATCH "</script|<!--" ends_script "${content}")
    if(NOT delimiter EQUAL -1 OR ends_script)
      message(FATAL_ERROR "${file} cannot be embedded: it has 'fanin_file', '</script' or '<!--' in it")
    endif()
    file(SHA256 "${file}" hash)
    string(APPEND text
      "\nextern const std::string_view ${name}, ${name}Sha256;\n"
      "const std::string_view ${name} = R\"fanin_file(${content})fanin_file\";\n"
      "const std::string_view ${name}Sha256 = \"${hash}\";\n")
  endforeach()
  file(WRITE "${OUT}" "${text}\n}  // namespace fanin\n")
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
