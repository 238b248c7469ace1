// SPDX-License-Identifier: MIT
#include "data/class_folders.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fanin {
namespace {

using Names = std::vector<std::string>;

TEST(ClassFolders, TrainAndTestFolders) {
  const ClassFolders f =
      sort_into_classes({"readme.png", "test/cat/1.png", "train/cat/1.png", "train/dog/deep/1.png", "train/x.png"}, 0);
  EXPECT_EQ(f.class_names, (Names{"cat", "dog"}));
  EXPECT_FALSE(f.split_was_drawn);
  EXPECT_EQ(f.files[0].label, -1);
  EXPECT_EQ(f.files[1].label, 0);
  EXPECT_TRUE(f.files[1].test);
  EXPECT_FALSE(f.files[2].test);
  EXPECT_EQ(f.files[3].label, 1);
  EXPECT_EQ(f.files[4].label, -1);
}

TEST(ClassFolders, SharedFoldersAboveAreIgnored) {
  EXPECT_EQ(sort_into_classes({"pets/train/cat/1.png", "pets/train/dog/1.png"}, 0).class_names, (Names{"cat", "dog"}));
  EXPECT_EQ(sort_into_classes({"my/pets/cat/1.png", "my/pets/dog/1.png"}, 0).class_names, (Names{"cat", "dog"}));
  EXPECT_EQ(sort_into_classes({"cat/old/1.png", "cat/old/2.png", "dog/1.png"}, 0).class_names, (Names{"cat", "dog"}));
  EXPECT_EQ(sort_into_classes({"cat/1.png", "cat/2.png"}, 0).class_names, (Names{"cat"}));
  // A class may be called "train" as long as it holds the images itself.
  EXPECT_EQ(sort_into_classes({"plane/1.png", "train/1.png"}, 0).class_names, (Names{"plane", "train"}));
  EXPECT_TRUE(sort_into_classes({"1.png", "2.png"}, 0).class_names.empty());
  EXPECT_TRUE(sort_into_classes({}, 0).class_names.empty());
}

TEST(ClassFolders, DrawsASixthOfEachClass) {
  Names names;
  for (int i = 0; i < 60; ++i) names.push_back("a/" + std::to_string(100 + i) + ".png");
  for (int i = 0; i < 3; ++i) names.push_back("b/" + std::to_string(i) + ".png");
  names.push_back("c/only.png");
  const auto tests_of = [](const ClassFolders& f, int label) {
    return std::count_if(f.files.begin(), f.files.end(),
                         [=](const auto& file) { return file.label == label && file.test; });
  };
  const ClassFolders f = sort_into_classes(names, 5), again = sort_into_classes(names, 5),
                     other = sort_into_classes(names, 6);
  EXPECT_TRUE(f.split_was_drawn);
  EXPECT_EQ(tests_of(f, 0), 10);
  EXPECT_EQ(tests_of(f, 1), 1);
  EXPECT_EQ(tests_of(f, 2), 0);  // its only image is trained on
  int same = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(f.files[i].test, again.files[i].test);
    same += f.files[i].test == other.files[i].test ? 1 : 0;
  }
  EXPECT_LT(same, static_cast<int>(names.size()));
}

TEST(ClassFolders, ImageNames) {
  for (const char* name : {"a.png", "b/c.JPG", "x.y.jpeg", "a b.Png"}) EXPECT_TRUE(is_image_name(name)) << name;
  for (const char* name : {"a.gif", "png", "a/._b.png", "a.png/b", "", "a.png~"})
    EXPECT_FALSE(is_image_name(name)) << name;
}

}  // namespace
}  // namespace fanin
