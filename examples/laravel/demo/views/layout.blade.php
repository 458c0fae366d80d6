<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
@yield('head')
<title>Cửa hàng</title>
</head>
<body style="font: 1.1em sans-serif; max-width: 32em; margin: 2em auto">
@yield('body')
</body>
</html>
