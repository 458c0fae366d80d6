<?php

// A small shop with Laravel: php -S 127.0.0.1:8000 demo/index.php. Its payments are in src/.

http_response_code(500); // stays if this script dies: an IPN is not taken then
$kernel = (require __DIR__ . '/app.php')->make(Illuminate\Contracts\Http\Kernel::class);
$response = $kernel->handle($request = Illuminate\Http\Request::capture())->send();
$kernel->terminate($request, $response);
