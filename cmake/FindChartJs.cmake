# ChartJs_FILE: chart.min.js of Chart.js 3 (Debian: libjs-chart.js), which pages carry.
find_file(ChartJs_FILE chart.min.js PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist NO_DEFAULT_PATH)
if(ChartJs_FILE)
  file(STRINGS ${ChartJs_FILE} banner REGEX "Chart\\.js v" LIMIT_COUNT 1)
  string(REGEX MATCH "v([0-9.]+)" matched "${banner}")
  set(ChartJs_VERSION ${CMAKE_MATCH_1})
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ChartJs REQUIRED_VARS ChartJs_FILE VERSION_VAR ChartJs_VERSION
  REASON_FAILURE_MESSAGE "Install Debian's libjs-chart.js, or give -D ChartJs_FILE=.../chart.min.js of Chart.js 3")
