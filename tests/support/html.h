// Reads the tags of a page, as far as a page of fanin goes, and says whether it could fetch or run what it should not.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <vector>

namespace fanin::test {

struct HtmlTag {
  std::string name;  // lower case; "/p" closes
  std::map<std::string, std::string> attributes;
  std::string raw;  // what is inside a script or style
};

// Attributes in double quotes only; anything else is a failure, since a page of fanin writes no other.
inline std::vector<HtmlTag> tags_of(const std::string& page) {
  std::vector<HtmlTag> tags;
  std::size_t at = 0;
  while ((at = page.find('<', at)) != std::string::npos) {
    HtmlTag tag;
    std::size_t i = at + 1;
    while (i < page.size() && !std::isspace(static_cast<unsigned char>(page[i])) && page[i] != '>')
      tag.name += static_cast<char>(std::tolower(static_cast<unsigned char>(page[i++])));
    while (i < page.size() && page[i] != '>') {
      if (std::isspace(static_cast<unsigned char>(page[i])) || page[i] == '/') {
        ++i;
        continue;
      }
      std::string key;
      while (i < page.size() && page[i] != '=' && page[i] != '>' && !std::isspace(static_cast<unsigned char>(page[i])))
        key += static_cast<char>(std::tolower(static_cast<unsigned char>(page[i++])));
      if (i < page.size() && page[i] == '=') {
        if (page[++i] != '"') {
          ADD_FAILURE() << "an attribute without double quotes: " << page.substr(at, 120);
          return tags;
        }
        const std::size_t end = page.find('"', i + 1);
        tag.attributes[key] = page.substr(i + 1, end - i - 1);
        i = end + 1;
      } else {
        tag.attributes[key] = "";
      }
    }
    at = i + 1;
    if (tag.name == "script" || tag.name == "style") {
      const std::size_t end = page.find("</" + tag.name, at);
      tag.raw = page.substr(at, end - at);
      at = end;
    }
    tags.push_back(std::move(tag));
  }
  return tags;
}

inline std::vector<HtmlTag> tags_of(const std::string& page, const std::string& name) {
  std::vector<HtmlTag> tags = tags_of(page);
  std::erase_if(tags, [&](const HtmlTag& t) { return t.name != name; });
  return tags;
}

// No request can leave the page, and no text that was given to it is more than text.
inline void expect_self_contained(const std::string& page) {
  std::string policy;
  for (const HtmlTag& tag : tags_of(page)) {
    for (const auto& [key, value] : tag.attributes) {
      EXPECT_FALSE(key.starts_with("on")) << "<" << tag.name << " " << key << ">";
      EXPECT_EQ(value.find("javascript:"), std::string::npos) << "<" << tag.name << " " << key << ">";
      const bool target = key == "src" || key == "href" || key == "srcset" || key == "action" || key == "data" ||
                          key == "poster" || key == "xlink:href" || key == "background" || key == "formaction";
      if (!target) continue;
      const bool picture = tag.name == "img" && value.starts_with("data:image/png;base64,");
      const bool beside = tag.name == "a" && value.find(':') == std::string::npos && !value.starts_with("/");
      EXPECT_TRUE(picture || beside) << "<" << tag.name << " " << key << "=" << value.substr(0, 80) << ">";
    }
    for (const char* name : {"link", "iframe", "object", "embed", "base", "form", "image", "use", "video", "audio"})
      EXPECT_NE(tag.name, name);
    if (tag.name == "meta" && tag.attributes.count("http-equiv")) policy = tag.attributes.at("content");
    if (tag.name == "style") {
      for (const char* word : {"url(", "@import"}) EXPECT_EQ(tag.raw.find(word), std::string::npos) << word;
    }
    if (tag.name == "script") {
      for (const char* word : {"fetch(", "XMLHttpRequest", "import(", "sendBeacon", "WebSocket", "EventSource", "eval(",
                               "new Function", ".src=", ".src ="})
        EXPECT_EQ(tag.raw.find(word), std::string::npos) << word;
    }
  }
  EXPECT_TRUE(policy.starts_with("default-src 'none';")) << policy;
  EXPECT_EQ(policy.find("http"), std::string::npos) << policy;
  EXPECT_EQ(policy.find('*'), std::string::npos) << policy;
  EXPECT_EQ(policy.find("unsafe-eval"), std::string::npos) << policy;
  const std::size_t scripts = policy.find("script-src");
  if (scripts != std::string::npos) {
    EXPECT_EQ(policy.substr(scripts, policy.find(';', scripts) - scripts).find("unsafe"), std::string::npos) << policy;
  }
}

}  // namespace fanin::test
