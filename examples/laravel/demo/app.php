<?php

// A small host for the package, on Debian's Laravel. Your own app has all of this already.

use Illuminate\Contracts\Console\Kernel as ConsoleContract;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Http\Kernel as HttpContract;

require '/usr/share/php/Illuminate/autoload.php';
require '/usr/share/php/GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class) {
    foreach (['Galaxypay\\Laravel\\' => __DIR__ . '/../src/', 'Demo\\' => __DIR__ . '/'] as $prefix => $folder) {
        $file = $folder . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
        if (str_starts_with($class, $prefix) && is_file($file)) {
            require $file;
        }
    }
});
foreach (['bootstrap/cache', 'storage/framework/views', 'storage/logs'] as $folder) {
    is_dir(__DIR__ . "/$folder") || mkdir(__DIR__ . "/$folder", 0700, true);
}

$store = getenv('SHOP_STORE') ?: __DIR__ . '/../shop.db';
is_file($store) || touch($store);

$app = new Illuminate\Foundation\Application(__DIR__);
$app->singleton(HttpContract::class, Demo\HttpKernel::class);
$app->singleton(ConsoleContract::class, Illuminate\Foundation\Console\Kernel::class);
$app->singleton(ExceptionHandler::class, Illuminate\Foundation\Exceptions\Handler::class);

return $app;
