<?php

return [
    'name' => 'Shop',
    'env' => 'production',
    'debug' => false,
    'key' => env('APP_KEY'), // Laravel's own, for sessions
    'cipher' => 'AES-256-CBC',
    'timezone' => 'Asia/Ho_Chi_Minh',
    'locale' => 'vi',
    'fallback_locale' => 'en',
    'providers' => [
        Illuminate\Cookie\CookieServiceProvider::class,
        Illuminate\Database\DatabaseServiceProvider::class,
        Illuminate\Encryption\EncryptionServiceProvider::class,
        Illuminate\Filesystem\FilesystemServiceProvider::class,
        Illuminate\Foundation\Providers\ConsoleSupportServiceProvider::class,
        Illuminate\Foundation\Providers\FoundationServiceProvider::class,
        Illuminate\Session\SessionServiceProvider::class,
        Illuminate\Translation\TranslationServiceProvider::class,
        Illuminate\Queue\QueueServiceProvider::class,
        Illuminate\Cache\CacheServiceProvider::class,
        Illuminate\View\ViewServiceProvider::class,
        Galaxypay\Laravel\GalaxypayServiceProvider::class,
        Demo\ShopServiceProvider::class,
    ],
    'aliases' => [],
];
